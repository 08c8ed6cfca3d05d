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
