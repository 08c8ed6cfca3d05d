import numpy as np
import pytest
import tensorflow as tf

from components.errors import GreenlightError
from components.trainer.classifier import model, ngrams
from components.trainer.settings import TrainerSettings


def head_weights(classifier: model.Classifier) -> list[np.ndarray]:
    return [weight.numpy() for weight in classifier.head.weights]


def test_the_head_is_as_the_settings_say(embedding):
    classifier = model.build(embedding, None, TrainerSettings(hidden_units=(16, 4)))
    assert [weight.shape for weight in head_weights(classifier)] == [
        (50, 16),
        (16,),
        (16, 4),
        (4,),
        (4, 1),
        (1,),
    ]
    assert [layer.name for layer in classifier.head.layers] == [
        "vector",
        "dropout",
        "hidden_1",
        "hidden_2",
        "logit",
    ]


def test_the_head_may_be_a_single_layer(embedding):
    classifier = model.build(embedding, None, TrainerSettings(hidden_units=(), dropout=0))
    assert [weight.shape for weight in head_weights(classifier)] == [(50, 1), (1,)]


def test_initial_weights_follow_the_seed(embedding):
    one, again, other = (
        head_weights(model.build(embedding, None, TrainerSettings(seed=seed))) for seed in (1, 1, 2)
    )
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert not np.array_equal(one[0], other[0])


def test_probabilities_of_texts(classifier):
    probability = classifier.probability(tf.constant(["A fine film.", "", b"\xff"])).numpy()
    assert probability.shape == (3,) and ((probability > 0) & (probability < 1)).all()
    assert classifier.probability(tf.constant([], tf.string)).shape == (0,)


def test_n_grams_are_one_more_number_for_the_last_layer(embedding):
    vocabulary = ngrams.Vocabulary(np.array([2, 4, 6]), np.ones(3, np.float32), order=2)
    classifier = model.build(embedding, vocabulary, TrainerSettings())
    assert [weight.shape for weight in head_weights(classifier)] == [(50, 16), (16,), (17, 1), (1,)]
    assert len(classifier.trainable_weights) == 6 and classifier.ngrams.weight.shape == (3,)


def test_before_training_the_n_grams_alone_decide(embedding):
    vocabulary = ngrams.Vocabulary(np.array([2, 4]), np.ones(2, np.float32), order=1)
    classifier = model.build(embedding, vocabulary, TrainerSettings())
    np.testing.assert_array_equal(classifier.probability(tf.constant(["A fine film.", ""])), [0.5, 0.5])


def test_a_layer_of_keras_3_is_refused():
    with pytest.raises(GreenlightError, match=r"TensorFlow runs with Keras 3, .* Set TF_USE_LEGACY_KERAS=1"):
        model.build(object(), None, TrainerSettings())
