"""The fit's optimizer, which updates each variable in one fused kernel, against Keras's plain Adam."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from components.trainer import fitting
from components.trainer.classifier import model
from components.trainer.classifier.conversion import unconverted
from components.trainer.settings import TrainerSettings

SETTINGS = TrainerSettings(dropout=0.0, learning_rate=0.01)
BATCHES = (["a fine film", "dull"], ["fine acting, dull story"], ["a film"])


@pytest.fixture
def trained(embedding, reload):
    """The weights after a step on each of BATCHES."""

    @unconverted
    def train(optimizer=None):
        feed = model.encoded_feed(model.build(reload(embedding), None, SETTINGS))
        fitting._compile(feed.model, SETTINGS, 2)
        optimizer = optimizer or feed.model.optimizer
        weights = feed.model.trainable_weights
        for texts in BATCHES:
            with tf.GradientTape() as tape:
                logits = feed.model(feed.encode(tf.constant(texts)))
                loss = feed.model.compiled_loss(tf.ones_like(logits), logits)
            optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return [weight.numpy() for weight in weights]

    return train


def test_the_fused_adam_gives_the_plain_one_s_numbers(trained, embedding):
    """Also for the words of earlier batches, which Adam goes on moving."""
    start = embedding.weights[0].numpy()
    fused, plain = trained(), trained(tf_keras.optimizers.Adam(SETTINGS.learning_rate))
    for one, other in zip(fused, plain, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert any(weight.shape == start.shape and np.abs(weight - start).max() > 0.01 for weight in fused)
