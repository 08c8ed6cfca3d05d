"""Calibration of probabilities by Platt scaling (Platt, 1999)."""

import dataclasses

import numpy as np
import tf_keras
from scipy import optimize


@dataclasses.dataclass(frozen=True)
class Calibration:
    """A logit z becomes scale * z + offset."""

    scale: float
    offset: float


def find(logits: np.ndarray, labels: np.ndarray) -> Calibration:
    """The calibration with the lowest log loss of `logits`, float [N], for `labels`, 0 or 1.

    It is regularized towards no change with the weight of one review, against overfitting on few reviews.
    """
    logits, sign = logits.astype(np.float64), 2.0 * labels - 1

    def loss(parameters: np.ndarray) -> float:
        log_scale, offset = parameters
        fit = np.logaddexp(0, -sign * (np.exp(log_scale) * logits + offset)).sum()
        return (fit + log_scale**2 + offset**2) / len(logits)

    log_scale, offset = optimize.minimize(loss, [0.0, 0.0], method="BFGS").x
    return Calibration(float(np.exp(log_scale)), float(offset))


def fold(calibration: Calibration, output: tf_keras.layers.Dense) -> None:
    """Changes the logit layer so that it returns the calibrated logit."""
    kernel, bias = output.get_weights()
    output.set_weights([calibration.scale * kernel, calibration.scale * bias + calibration.offset])
