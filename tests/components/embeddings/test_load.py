from pathlib import Path

import pytest
import tensorflow as tf

from components.embeddings.load import load
from components.errors import InputError


def saved(folder: Path, function, signature: tf.TensorSpec | None = None) -> str:
    """A SavedModel that does `function` and has a variable which it does not list as trainable."""
    module = tf.Module()
    module.weight = tf.Variable([[1.0, 2.0, 3.0]])
    call = tf.function(function, input_signature=[signature or tf.TensorSpec([None], tf.string)])
    module.__call__ = call
    tf.saved_model.save(module, str(folder))
    return str(folder)


def lengths(text: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.strings.length(text), tf.float32)[:, None] * tf.ones([1, 3])


def test_a_text_embedding_becomes_a_layer_of_known_width(tiny_folder):
    layer = load(str(tiny_folder), name="tiny", trainable=True)
    assert layer.trainable and len(layer.trainable_weights) == 1
    assert layer(tf.constant(["the", "film", ""])).shape == (3, 2)


def test_a_frozen_embedding_trains_nothing(tiny_folder):
    layer = load(str(tiny_folder), name="tiny", trainable=False)
    assert not layer.trainable_weights and len(layer.non_trainable_weights) == 1


def test_a_module_that_lists_nothing_trainable_is_refused_only_for_training(tmp_path):
    handle = saved(tmp_path / "module", lengths)
    with pytest.raises(InputError) as caught:
        load(handle, name="lengths", trainable=True)
    assert "The embedding lengths cannot be trained: it lists no trainable variables" in str(caught.value)
    assert "Set embedding.trainable = false, or pick another embedding." in str(caught.value)
    assert load(handle, name="lengths", trainable=False)(tf.constant(["abc"])).numpy().tolist() == [[3, 3, 3]]


@pytest.mark.parametrize(
    ("function", "signature", "reason"),
    [
        (lambda text: tf.strings.length(text), None, "for two texts this one returned int32 (2,)"),
        (lambda text: tf.zeros([1, 3]), None, "for two texts this one returned float32 (1, 3)"),
        (lambda text: {"default": lengths(text)}, None, "for two texts this one returned dict"),
        (lambda image: image, tf.TensorSpec([None, 4]), "but this one failed"),
    ],
    ids=["integers", "one row", "dict", "takes images"],
)
def test_what_is_no_text_embedding_is_refused(tmp_path, function, signature, reason):
    handle = saved(tmp_path / "module", function, signature)
    with pytest.raises(InputError) as caught:
        load(handle, name="odd", trainable=False)
    message = str(caught.value)
    assert message.startswith("odd is not a TF Hub text embedding. A text embedding takes strings [N] and")
    assert reason in message and "\n" not in message


def fixed_to(batch: int):
    return lambda text: tf.reshape(tf.tile(tf.cast(tf.strings.length(text), tf.float32), [3]), [batch, 3])


@pytest.mark.parametrize(
    ("function", "signature", "reason"),
    [
        (lengths, tf.TensorSpec([2], tf.string), "works for two texts only, .* For one text it failed: "),
        (
            fixed_to(2),
            None,
            "works for two texts only, as if it was exported with a fixed batch. For one",
        ),
        (
            lambda text: tf.concat([lengths(text), tf.zeros([2 - tf.minimum(tf.size(text), 2), 3])], 0),
            None,
            r"For one text it returned float32 \(2, 3\)\. Export it again with an input of shape \[None\]",
        ),
        (
            lambda text: lengths(text) * tf.cast(tf.strings.length(text[0]) >= 0, tf.float32),
            None,
            "For no text it failed",
        ),
        (lambda text: lengths(text)[:2], None, r"For 3 texts it returned float32 \(2, 3\)"),
        (lambda text: lengths(text)[:, None], None, r"for two texts this one returned float32 \(2, 1, 3\)"),
        (
            lambda text: tf.cast(lengths(text), tf.float64),
            None,
            "for two texts this one returned float64",
        ),
        (
            lambda text: lengths(text) / lengths(text),
            None,
            "for 'the empty text' this one returned NaN",
        ),
        (lambda text: 1 / (lengths(text) - 11), None, "for 'a fine film' this one returned NaN or infinity"),
        (
            lambda text: lengths(tf.strings.split(text).to_tensor()[:, 0]) + assert_not_empty(text),
            None,
            r"but this one failed \(one of the texts is empty, as examples may be\): ",
        ),
        (lambda text: lengths(text)[:, :0], None, "this one returned vectors of no numbers"),
        (
            lambda text: lengths(text) + assert_few(text),
            None,
            r"does not work for many texts, .* For 1024 texts it failed: assertion failed",
        ),
        (lengths, tf.TensorSpec([4], tf.string), r"input has the fixed shape \[4\]; export it again with"),
    ],
    ids=[
        *("signature of two", "reshape to two", "padded to two", "not none", "cut to two"),
        *(
            "rank 3",
            "double",
            "NaN for the empty text",
            "infinity",
            "no empty text",
            "no width",
            "few",
            "signature of four",
        ),
    ],
)
def test_a_module_has_to_take_any_number_of_any_texts(tmp_path, function, signature, reason):
    handle = saved(tmp_path / "module", function, signature)
    with pytest.raises(InputError, match=reason) as caught:
        load(handle, name="odd", trainable=False)
    assert caught.value.exit_code == 2
    assert str(caught.value).startswith("odd is not a TF Hub text embedding. ")
    assert "\n" not in str(caught.value)


def assert_few(text: tf.Tensor) -> tf.Tensor:
    with tf.control_dependencies([tf.debugging.assert_less(tf.size(text), 9)]):
        return tf.zeros([])


def assert_not_empty(text: tf.Tensor) -> tf.Tensor:
    with tf.control_dependencies([tf.debugging.assert_greater(tf.strings.length(text), 0)]):
        return tf.zeros([])


def test_a_module_that_cannot_be_called_is_refused(tmp_path):
    tf.saved_model.save(tf.Module(), str(tmp_path / "module"))
    with pytest.raises(InputError, match=r"The embedding odd at .* cannot be loaded: .*non-callable"):
        load(str(tmp_path / "module"), name="odd", trainable=False)


def test_a_damaged_saved_model_is_refused(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"not a protobuf")
    with pytest.raises(
        InputError,
        match=r"The embedding mine at .* cannot be loaded: .* if it is a damaged copy, delete the folder",
    ):
        load(str(tmp_path), name="mine", trainable=False)


def test_the_old_hub_format_cannot_be_trained(tmp_path):
    v1 = tf.compat.v1
    builder = v1.saved_model.Builder(str(tmp_path / "module"))
    with v1.Graph().as_default(), v1.Session() as session:
        text = v1.placeholder(tf.string, [None])
        outputs = {"default": v1.saved_model.build_tensor_info(lengths(text))}
        signature = v1.saved_model.build_signature_def(
            {"text": v1.saved_model.build_tensor_info(text)}, outputs
        )
        builder.add_meta_graph_and_variables(session, [], {"default": signature})
    builder.save()
    (tmp_path / "module" / "tfhub_module.pb").touch()

    with pytest.raises(InputError, match=r"in the old TF1 Hub format, which cannot be trained further. Set"):
        load(str(tmp_path / "module"), name="old", trainable=True)
    layer = load(str(tmp_path / "module"), name="old", trainable=False)
    assert layer(tf.constant(["abcd"])).numpy().tolist() == [[4, 4, 4]]
