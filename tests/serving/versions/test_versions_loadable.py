"""TensorFlow loads what lies in a store, pushed or promoted."""

import pytest
import tensorflow as tf

from serving.store.manifest import Facts


class Greeter(tf.Module):
    """A model with a variable and an asset-free string signature."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = tf.Variable(factor)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def score(self, text):
        return {"probability": self.factor * tf.cast(tf.strings.length(text), tf.float32)}


@pytest.fixture
def exported(tmp_path):
    """Two SavedModels as the Trainer leaves them: `saved_model.pb`, `fingerprint.pb`, `variables/`."""
    folders = []
    for factor in (0.1, 0.2):
        module = Greeter(factor)
        folders.append(tmp_path / f"exported-{factor}")
        tf.saved_model.save(module, str(folders[-1]), signatures={"serving_default": module.score})
    return folders


def score(folder) -> float:
    loaded = tf.saved_model.load(str(folder))
    return float(loaded.signatures["serving_default"](text=tf.constant(["five!"]))["probability"][0])


def test_pushed_and_promoted_versions_answer_like_their_model(store, exported, root):
    for folder in exported:
        store.push(folder, Facts())
    store.promote(1)
    assert [round(score(root / name), 4) for name in ("1", "2", "3")] == [0.5, 1.0, 0.5]


def test_store_relies_on_files_that_a_saved_model_has(exported, store):
    store.push(exported[0], Facts())
    assert {"saved_model.pb", "variables/variables.index"} <= set(store.live().manifest.files)
