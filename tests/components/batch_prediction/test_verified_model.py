"""Predictions in process, by a version of the store."""

import pytest
import tensorflow as tf

from components.batch_prediction.verified_model import verified_model
from components.drift.features import FeatureModel
from components.errors import GreenlightError
from serving.store.manifest import Facts
from serving.versions import VersionStore


@pytest.fixture(scope="module")
def one_for_all(tmp_path_factory):
    """The folder of a model that gives one probability and one label for all texts."""

    def answer(text):
        return {"probability": tf.reduce_max(tf.ones(tf.shape(text))), "label": tf.strings.reduce_join(text)}

    module = tf.Module()
    module.answer = tf.function(answer, input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    folder = tmp_path_factory.mktemp("model")
    tf.saved_model.save(module, str(folder), signatures=module.answer)
    return folder


def store_with(folder, model):
    store = VersionStore(folder / "store")
    store.push(model, Facts())
    return store.root


def test_a_version_answers_each_text(tmp_path, small_model):
    with verified_model(store_with(tmp_path, small_model()), 1) as model:
        answers = model.predict(["good, good", "a film"])
    assert [(answer.label, answer.version) for answer in answers] == [("positive", 1), ("negative", 1)]


def test_one_answer_for_all_texts_is_an_error_in_words(tmp_path, one_for_all):
    with (
        verified_model(store_with(tmp_path, one_for_all), 1) as model,
        pytest.raises(GreenlightError) as error,
    ):
        model.predict(["a", "b"])
    assert str(error.value) == "Version 1 does not give one probability and one label a text."


def test_so_it_is_for_drift(one_for_all):
    with pytest.raises(GreenlightError, match=r"gives probability of shape \(\) for 2 examples$"):
        FeatureModel(str(one_for_all)).probability(["a", "b"])
