"""TFMA's results, read from its files and checked against our own metrics."""

from collections.abc import Mapping

import numpy as np
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import metrics_for_slice_pb2

from components.errors import GreenlightError
from components.evaluator.gate import TFMA_NAMES
from components.evaluator.judgment import metrics
from components.evaluator.predictions import Predictions
from components.evaluator.settings import OVERALL
from components.reviews import SPAN

TOLERANCE = 1e-3
NOISE = 1e-6
"""The largest change of a probability near 0.5 with the batch size: float32 rounding."""
_AUC_BUCKETS = 10_000


def candidate_metrics(evaluation: str) -> dict[str, dict[str, float]]:
    """The candidate's metrics by slice ("overall", "length:...", "span:...") and by our names.

    Args:
      evaluation: the folder that TFMA wrote to.
    """
    ours = {theirs: name for name, theirs in TFMA_NAMES.items()}
    found: dict[str, dict[str, float]] = {}
    for part in tfma.load_metrics(evaluation):
        keys = [f"{key.column}:{_value(key)}" for key in part.slice_key.single_slice_keys]
        into = found.setdefault(",".join(keys) or OVERALL, {})
        for entry in part.metric_keys_and_values:
            of_candidate = entry.key.model_name in ("", tfma.CANDIDATE_KEY) and not entry.key.is_diff
            if of_candidate and entry.key.name in ours:
                into[ours[entry.key.name]] = entry.value.double_value.value
    return found


def _value(key: metrics_for_slice_pb2.SingleSliceKey) -> str:
    return str(key.int64_value) if key.WhichOneof("kind") == "int64_value" else key.bytes_value.decode()


def check_agreement(found: Mapping[str, Mapping[str, float]], predictions: Predictions) -> None:
    """Checks TFMA's metrics of every slice against those of the verdict's predictions.

    TFMA uses other batch sizes, so a review at 0.4999999 may be at 0.5000001 for it; in a small slice, one
    such review exceeds the tolerance. A metric may therefore lie anywhere between its values with all
    probabilities moved by NOISE to the wrong side and to the right side.

    Raises:
      GreenlightError: they differ by more than 0.001 beyond that range, or TFMA lacks a slice or a metric.
    """
    parts = {OVERALL: np.ones(len(predictions), bool)}
    parts |= {f"length:{length}": predictions.length == length for length in set(predictions.length)}
    if predictions.span is not None:
        parts |= {f"{SPAN}:{span}": predictions.span == span for span in set(predictions.span)}
    for slice_name, chosen in parts.items():
        label, probability = predictions.label[chosen], predictions.probability[chosen]
        for name in TFMA_NAMES:
            lowest, ours, highest = _range(name, label, probability)
            theirs = found.get(slice_name, {}).get(name)
            if np.isnan([lowest, ours, highest]).any():
                continue
            tolerance = TOLERANCE * max(1, abs(ours))
            if theirs is None or not lowest - tolerance <= theirs <= highest + tolerance:
                raise GreenlightError(
                    f"TFMA measured {name} = {theirs} on {slice_name}, the model's predictions on the same "
                    f"examples give {ours:.6f}: the model does not answer the same question twice alike"
                )


def _range(name: str, label: np.ndarray, probability: np.ndarray) -> tuple[float, float, float]:
    """The lowest value of a metric within NOISE, the value itself, and the highest; NaN if undefined."""
    measure = metrics.METRICS[name]
    if name == "auc":
        # TFMA sorts probabilities into buckets before it integrates, which counts near ones as ties.
        ours = measure(label, np.floor(probability * _AUC_BUCKETS))
        return ours, ours, ours
    right = np.where(label == 1, NOISE, -NOISE)
    down = np.full(len(label), -NOISE)  # precision is undefined without a positive prediction
    moved = (right, -right, down)
    found = [measure(label, probability + step) for step in moved]
    return float(np.min(found)), measure(label, probability), float(np.max(found))
