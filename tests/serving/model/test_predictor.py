"""A loaded version: its signatures, its answers, its errors, and a damaged one."""

import numpy as np
import pytest

from serving.model import loader
from serving.model.loader import LoadError, load
from serving.model.predictor import make_call
from serving.status import Code, RequestError


@pytest.fixture(scope="module")
def loaded(tiny_model):
    return load(str(tiny_model(0.75)), 3)


def texts(*values):
    return {"text": np.array([value.encode() for value in values], object)}


def test_signatures_are_described(loaded):
    assert loaded.version == 3
    assert set(loaded.signatures) == {"serving_default", "slow", "fails", "single"}
    signature = loaded.signatures["serving_default"]
    assert (signature.inputs["text"].dtype, signature.inputs["text"].shape) == ("string", (None,))
    assert [(name, spec.dtype) for name, spec in signature.outputs.items()] == [
        ("label", "string"),
        ("probability", "float32"),
    ]
    assert signature.method_name == "tensorflow/serving/predict"
    assert signature.definition.inputs["text"].name == signature.inputs["text"].tensor


def test_only_signatures_with_a_free_first_dimension_share_calls(loaded):
    assert {name for name, signature in loaded.signatures.items() if not signature.batched} == {"single"}


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_it_answers_batches_of_any_size(loaded, rows):
    outputs = loaded.run("serving_default", texts(*["a film"] * rows))
    assert outputs["probability"].tolist() == [0.75] * rows
    assert outputs["label"].tolist() == [b"positive"] * rows


def test_it_answers_as_tensorflows_own_loader_does(loaded, tiny_model):
    import tensorflow as tf

    expected = tf.saved_model.load(str(tiny_model(0.75))).signatures["single"](x=tf.constant(4.0))["y"]
    assert loaded.run("single", {"x": np.float32(4.0)})["y"] == expected.numpy() == 8.0


def test_what_the_model_refuses_is_the_clients_error_in_one_line(loaded):
    with pytest.raises(RequestError) as refused:
        loaded.run("fails", texts("good", "bad"))
    assert refused.value.code is Code.INVALID_ARGUMENT
    assert "that was bad" in refused.value.message
    assert "\n" not in refused.value.message


def test_a_value_of_the_wrong_type_is_the_clients_error(loaded):
    with pytest.raises(RequestError) as refused:
        loaded.run("slow", {"loops": np.array([b"many"], object)})
    assert refused.value.code is Code.INVALID_ARGUMENT


def test_a_signature_whose_tensor_is_not_in_the_graph_is_an_error_in_words(odd_model):
    broken = load(str(odd_model("a tensor that is not in the graph")), 1)
    with pytest.raises(RequestError, match="nowhere:0") as refused:
        broken.run("serving_default", texts("x"))
    assert "\n" not in refused.value.message


@pytest.fixture(scope="module")
def scalars(tmp_path_factory):
    """A model that answers with one value of each type, whatever it is asked."""
    import tensorflow as tf

    module = tf.Module()
    answers = {
        "a_text": tf.constant(b"hello\0"),
        "whole": tf.constant(7, tf.int64),
        "real": tf.constant(0.5, tf.float32),
        "half": tf.constant(0.5, tf.float16),
        "truth": tf.constant(True),
    }
    module.answer = tf.function(
        lambda text: {name: tf.identity(value) for name, value in answers.items()},
        input_signature=[tf.TensorSpec([None], tf.string, name="text")],
    )
    folder = tmp_path_factory.mktemp("scalars")
    tf.saved_model.save(module, str(folder), signatures=module.answer)
    return load(str(folder))


@pytest.mark.parametrize(
    ("name", "value", "dtype"),
    [
        ("a_text", b"hello\0", object),
        ("whole", 7, np.int64),
        ("real", 0.5, np.float32),
        ("half", 0.5, np.float16),
        ("truth", True, np.bool_),
    ],
)
def test_a_tensor_of_rank_0_is_an_array_like_any_other(scalars, name, value, dtype):
    output = scalars.run("serving_default", texts("x"))[name]
    assert isinstance(output, np.ndarray)
    assert (output.shape, output.dtype, output[()]) == ((), dtype, value)


def test_the_undocumented_way_to_make_a_call_is_still_there():
    import tensorflow as tf

    assert hasattr(tf.compat.v1.Session, "_make_callable_from_options"), (
        "TensorFlow has no Session._make_callable_from_options any more: calls are made by make_callable, "
        "which is slower for short ones. Remove it from serving/model/predictor.py and docs/private-apis.md"
    )


class DocumentedSession:
    """A session with nothing but what TensorFlow documents."""

    def __init__(self, session):
        self.graph = session.graph
        self.make_callable = session.make_callable


@pytest.mark.parametrize("name", ["serving_default", "single"])
def test_the_documented_way_to_make_a_call_gives_the_same(loaded, name):
    signature = loaded.signatures[name]
    tensors = {
        "feed": [spec.tensor for spec in signature.inputs.values()],
        "fetch": [spec.tensor for spec in signature.outputs.values()],
    }
    value = np.float32(4) if name == "single" else texts("a film", "b")["text"]
    private = make_call(loaded._session, **tensors)(value)
    public = make_call(DocumentedSession(loaded._session), **tensors)(value)
    for one, other in zip(private, public, strict=True):
        np.testing.assert_array_equal(one, other)
        assert np.asarray(one).dtype == np.asarray(other).dtype


def test_a_damaged_model_is_refused_in_one_line(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"no graph")
    with pytest.raises(LoadError) as damaged:
        load(str(tmp_path), 1)
    assert "\n" not in str(damaged.value)


def test_two_versions_do_not_share_anything(tiny_model):
    one, two = load(str(tiny_model(0.75)), 1), load(str(tiny_model(0.25)), 2)
    one.close()
    assert two.run("serving_default", texts("x"))["probability"].tolist() == [0.25]
    two.close()


def test_preparing_twice_is_harmless():
    loader.prepare()
    loader.prepare()
