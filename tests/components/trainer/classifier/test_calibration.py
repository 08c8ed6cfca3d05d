import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from components.trainer.classifier import calibration


def drawn(scale: float, offset: float, number: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels as likely positive as scale * logit + offset says."""
    random = np.random.default_rng(1)
    logits = random.normal(size=number).astype(np.float32)
    return logits, (random.random(number) < 1 / (1 + np.exp(-(scale * logits + offset)))).astype(np.float32)


@pytest.mark.parametrize(("scale", "offset"), [(1.0, 0.0), (3.0, -0.5), (0.3, 1.0)])
def test_the_scale_and_offset_are_found(scale, offset):
    found = calibration.find(*drawn(scale, offset))
    assert (found.scale, found.offset) == pytest.approx((scale, offset), abs=0.1)


def test_few_reviews_do_not_carry_it_away():
    found = calibration.find(np.array([-1.0, 2.0]), np.array([0.0, 1.0]))
    assert 1 < found.scale < 3 and abs(found.offset) < 0.5


def test_a_model_that_is_always_wrong_is_not_turned_round():
    found = calibration.find(np.array([-2.0, 2.0] * 50), np.array([1.0, 0.0] * 50))
    assert 0 < found.scale < 0.1


def test_the_layer_gives_the_calibrated_logit():
    layer = tf_keras.layers.Dense(1)
    layer.build([None, 2])
    layer.set_weights([np.array([[0.5], [4.0]]), np.array([3.0])])
    calibration.fold(calibration.Calibration(scale=2.0, offset=-0.5), layer)
    np.testing.assert_allclose(layer(tf.constant([[1.0, 2.0]])), [[2 * (0.5 + 8 + 3) - 0.5]])


@pytest.mark.parametrize("size", [2, 5, 40])
def test_changing_nothing_has_the_weight_of_one_review(size):
    """At the least loss, what the reviews pull is what holds back: 2 log(scale) and 2 offset."""
    logits = np.linspace(-1, 3, size)
    labels = (np.arange(size) % 3 != 0).astype(np.float32)
    found = calibration.find(logits, labels)
    wrong = 1 / (1 + np.exp(-(found.scale * logits + found.offset))) - labels
    assert (wrong * found.scale * logits).sum() == pytest.approx(-2 * np.log(found.scale), abs=1e-3)
    assert wrong.sum() == pytest.approx(-2 * found.offset, abs=1e-3)
