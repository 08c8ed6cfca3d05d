"""Calibration of probabilities: Platt scaling of two classes (Platt, 1999), a temperature for more.

The temperature is that of Guo et al., On Calibration of Modern Neural Networks (2017).
"""

import dataclasses

import numpy as np
import tf_keras
from scipy import optimize, special


@dataclasses.dataclass(frozen=True)
class Calibration:
    """A logit z becomes scale * z + offset. With more than two classes the offset is 0, and the temperature
    1 / scale."""

    scale: float
    offset: float


def find(logits: np.ndarray, labels: np.ndarray) -> Calibration:
    """The calibration with the lowest log loss of `logits` for `labels`.

    Args:
      logits: float [N] of two classes, or [N, K] of K > 2.
      labels: [N]; 0 or 1, or 0 to K - 1.
    """
    return find_scale_and_offset(logits, labels) if logits.ndim == 1 else find_temperature(logits, labels)


def find_scale_and_offset(logits: np.ndarray, labels: np.ndarray) -> Calibration:
    """The calibration with the lowest log loss of `logits`, float [N], for `labels`, 0 or 1.

    It is regularized towards no change with the weight of one example, against overfitting on few examples.
    """
    logits, sign = logits.astype(np.float64), 2.0 * labels - 1

    def loss(parameters: np.ndarray) -> float:
        log_scale, offset = parameters
        fit = np.logaddexp(0, -sign * (np.exp(log_scale) * logits + offset)).sum()
        return (fit + log_scale**2 + offset**2) / len(logits)

    log_scale, offset = optimize.minimize(loss, [0.0, 0.0], method="BFGS").x
    return Calibration(float(np.exp(log_scale)), float(offset))


def find_temperature(logits: np.ndarray, labels: np.ndarray) -> Calibration:
    """The scale with the lowest log loss of `logits`, float [N, K], for `labels`, 0 to K - 1; regularized
    as by `find_scale_and_offset`.
    """
    logits, right = logits.astype(np.float64), labels.astype(np.int64)
    rows = np.arange(len(logits))

    def loss(parameters: np.ndarray) -> float:
        (log_scale,) = parameters
        scaled = np.exp(log_scale) * logits
        fit = (special.logsumexp(scaled, axis=1) - scaled[rows, right]).sum()
        return (fit + log_scale**2) / len(logits)

    (log_scale,) = optimize.minimize(loss, [0.0], method="BFGS").x
    return Calibration(float(np.exp(log_scale)), 0.0)


def fold(calibration: Calibration, output: tf_keras.layers.Dense) -> None:
    """Changes the logit layer so that it returns the calibrated logits."""
    kernel, bias = output.get_weights()
    output.set_weights([calibration.scale * kernel, calibration.scale * bias + calibration.offset])
