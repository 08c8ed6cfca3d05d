"""A loaded version: its signatures, its answers, its errors, and a damaged one."""

import numpy as np
import pytest

from serving.model import predictor
from serving.model.predictor import LoadError, load, warm_up
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


def test_warming_up_calls_every_signature(loaded, monkeypatch):
    called = []
    run = loaded.run
    monkeypatch.setattr(loaded, "run", lambda name, inputs: called.append(name) or run(name, inputs))
    warm_up(loaded)
    assert set(called) == set(loaded.signatures)


def test_a_version_that_does_not_answer_does_not_warm_up(loaded, monkeypatch):
    def broken(name, inputs):
        raise RequestError(Code.INTERNAL, "no kernel")

    monkeypatch.setattr(loaded, "run", broken)
    with pytest.raises(LoadError, match=r"^signature fails does not answer: no kernel$"):
        warm_up(loaded)


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
    predictor.prepare()
    predictor.prepare()
