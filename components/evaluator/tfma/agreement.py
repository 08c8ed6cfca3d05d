"""TFMA's results, read from its files and checked against our own metrics."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import metrics_for_slice_pb2

from components.errors import GreenlightError
from components.evaluator.gate import MATRIX, TFMA_NAMES, TFMA_NAMES_OF_MANY
from components.evaluator.judgment import metrics, samples
from components.evaluator.judgment.measures.by_name import measure_of
from components.evaluator.predictions import Predictions
from components.evaluator.settings import OVERALL
from components.evaluator.verdict import Verdict

TOLERANCE = 1e-3
_AUC_BUCKETS = 10_000
_TIED_BUCKETS = 2
"""TFMA counts probabilities of a bucket as ties, and puts buckets together where its thresholds, which are
`i / 9_999`, do not part them: ties are of two buckets at most.
"""


def candidate_metrics(evaluation: str) -> dict[str, dict[str, float]]:
    """The candidate's metrics by slice ("overall", "length:...", "span:...", "COLUMN:...") and by our names.

    Args:
      evaluation: the folder that TFMA wrote to.

    Returns:
      Slice -> name -> value. The name of a metric of one class is `NAME of INDEX`, such as `recall of 2`.
    """
    ours = {theirs: name for names in (TFMA_NAMES, TFMA_NAMES_OF_MANY) for name, theirs in names.items()}
    found: dict[str, dict[str, float]] = {}
    for part in tfma.load_metrics(evaluation):
        keys = [f"{key.column}:{_value(key)}" for key in part.slice_key.single_slice_keys]
        into = found.setdefault(",".join(keys) or OVERALL, {})
        for entry in part.metric_keys_and_values:
            of_candidate = entry.key.model_name in ("", tfma.CANDIDATE_KEY) and not entry.key.is_diff
            if of_candidate and entry.key.name == MATRIX:
                (matrix,) = entry.value.multi_class_confusion_matrix_at_thresholds.matrices
                into |= _of_each_class(matrix.entries)
            elif of_candidate and entry.key.name in ours:
                name = ours[entry.key.name]
                if entry.key.sub_key.HasField("class_id"):
                    name = of_class(name, entry.key.sub_key.class_id.value)
                into[name] = entry.value.double_value.value
    return found


def _of_each_class(entries: Iterable[Any]) -> dict[str, float]:
    """Precision and recall of each class from the entries of TFMA's confusion matrix, where defined."""
    counted: dict[tuple[str, int], float] = defaultdict(float)
    hits: dict[int, float] = defaultdict(float)
    for entry in entries:
        actual, predicted = entry.actual_class_id, entry.predicted_class_id
        counted["recall", actual] += entry.num_weighted_examples
        counted["precision", predicted] += entry.num_weighted_examples
        hits[actual] += entry.num_weighted_examples * (actual == predicted)
    return {of_class(name, number): hits[number] / count for (name, number), count in counted.items()}


def of_class(metric: str, number: int) -> str:
    """The name of a metric of one class in `candidate_metrics`."""
    return f"{metric} of {number}"


def _value(key: metrics_for_slice_pb2.SingleSliceKey) -> str:
    if key.WhichOneof("kind") == "int64_value":
        return str(key.int64_value)
    return key.bytes_value.decode("utf-8", "replace")


def check_agreement(found: Mapping[str, Mapping[str, float]], predictions: Predictions) -> None:
    """Checks TFMA's metrics of every slice of the verdict against those of the same predictions.

    Raises:
      GreenlightError: they differ by more than 0.001, an area by more than that beyond the range that TFMA's
        ties allow; or TFMA lacks a slice or a metric.
    """
    for slice_name, part in ((OVERALL, predictions), *samples.slices(predictions)):
        for name, (lowest, ours, highest) in _ranges(part):
            theirs = found.get(slice_name, {}).get(name)
            if np.isnan([lowest, ours, highest]).any():
                continue
            tolerance = TOLERANCE * max(1, abs(ours))
            if theirs is None or not lowest - tolerance <= theirs <= highest + tolerance:
                raise GreenlightError(
                    f"TFMA measured {name} = {theirs} on {slice_name}, the verdict {ours:.6f} on the same "
                    "predictions: one of the two is wrong, so nothing is promoted. Please report it"
                )


def check_validation(evaluation: str, verdict: Verdict) -> None:
    """Checks that the verdict refuses if TFMA's thresholds, which are conditions of the gate, do.

    Args:
      evaluation: the folder that TFMA wrote to.

    Raises:
      GreenlightError: the verdict promotes what TFMA refuses.
    """
    validation = tfma.load_validation_result(evaluation)
    if verdict.promoted and not validation.validation_ok:
        raise GreenlightError(f"TFMA refuses what the gate promotes; its validation result: {validation}")


_Range = tuple[float, float, float]
"""The lowest value that TFMA may give, the value itself, and the highest; NaN if undefined."""


def _ranges(part: Predictions) -> Iterator[tuple[str, _Range]]:
    """The range of every metric that TFMA has, under its name in `candidate_metrics`."""
    label, scores = part.label, part.scores
    if scores.ndim == 1:
        for name in TFMA_NAMES:
            if name == "auc":
                yield name, _range_of_area(label == 1, part.scores_for(name))
            else:
                yield name, _exactly(metrics.METRICS[name](label, part.scores_for(name)))
        return
    classes = range(scores.shape[1])
    areas = {number: _range_of_area(label == number, scores[:, number]) for number in classes}
    for number, area in areas.items():
        yield of_class("auc", number), area
    # TFMA's mean is over all classes, and that of one without examples is 0: undefined here.
    yield "auc", tuple(np.mean([*areas.values()], axis=0))
    for name in ("accuracy", "example_count"):
        yield name, _exactly(measure_of(name, scores)(label, scores))
    for number in classes:
        for name in ("precision", "recall"):
            measure = measure_of(name, scores, of_class=number)
            yield of_class(name, number), _exactly(measure(label, scores))


def _exactly(value: float) -> _Range:
    return value, value, value


def _range_of_area(positive: np.ndarray, probability: np.ndarray) -> _Range:
    """The area under the ROC curve of one class, whose ties TFMA makes; see _TIED_BUCKETS.

    Of a rare class, or of many, most probabilities are small, so that much of the curve can be in the first
    buckets.
    """
    label = positive.astype(int)
    widest = _TIED_BUCKETS / _AUC_BUCKETS
    moved = np.where(positive, probability, probability + widest * np.array([[1], [0], [-1]]))
    lowest, ours, highest = (metrics.auc(label, each) for each in moved)
    return lowest, ours, highest
