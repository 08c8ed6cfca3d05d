"""Predictions of labeled examples, and figures from them: ROC, calibration, confusion, slices."""

from __future__ import annotations

import dataclasses
import functools
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from components.reviews import CLASSES
from components.threshold import DEFAULT

if TYPE_CHECKING:
    import numpy as np

    from components.evaluator import predictions

LEVEL = 0.95
"""The confidence level of intervals if the verdict has none."""
SLICES_SHOWN = 12
"""The values of a metadata column that are shown."""
LINE_BREAK = re.compile(r"(?:\s*<br\s*/?>\s*)+", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Interval:
    """A share of `count` examples with the interval that the gate computes for it."""

    value: float
    lower: float
    upper: float
    count: int


@dataclasses.dataclass(frozen=True)
class ShownExample:
    """One example and its prediction; in `text`, line breaks replace `<br />`."""

    text: str
    truth: str
    answer: str
    probability: float
    baseline: float | None


@dataclasses.dataclass(frozen=True)
class Predictions:
    """N labeled examples with the model's probabilities.

    text: N strings; label: int [N]; length: N names of length buckets;
    probability: float [N], of the positive class, or of the predicted one of more than two;
    probabilities, baseline_probabilities: float [N, K] of more than two classes, else None;
    baseline: float [N], the earlier model's probabilities on the same examples, nan for those that it was
      trained on; or None.
    text_id: uint64 [N], equal for copies of one text, which intervals count once; None without copies.
    metadata: by column of `data.slice_columns`, object [N], the value as str; None without such columns.
    level: the confidence level of the intervals, 0 to 1.
    classes: the names of the classes, the positive one last.
    threshold, baseline_threshold: the probability from which on each model's label is positive.
    """

    text: tuple[str, ...]
    label: np.ndarray
    probability: np.ndarray
    length: tuple[str, ...]
    baseline: np.ndarray | None = None
    text_id: np.ndarray | None = None
    probabilities: np.ndarray | None = None
    baseline_probabilities: np.ndarray | None = None
    metadata: Mapping[str, np.ndarray] | None = None
    level: float = LEVEL
    classes: tuple[str, ...] = CLASSES
    threshold: float = DEFAULT
    baseline_threshold: float = DEFAULT

    @classmethod
    def of(cls, found: predictions.Predictions, *, level: float = LEVEL) -> Predictions:
        """The predictions in the Evaluator's output, without the examples that the model was trained on."""
        import numpy as np

        if found.seen is not None:
            found = found.where(~found.seen)
        baseline = found.baseline_probability
        if baseline is not None and found.baseline_seen is not None:
            baseline = np.where(found.baseline_seen, np.nan, baseline)
        return cls(
            text=tuple(found.text),
            label=found.label,
            probability=found.probability,
            length=tuple(found.length),
            baseline=baseline,
            text_id=found.text_id,
            probabilities=found.probabilities,
            baseline_probabilities=found.baseline_probabilities,
            metadata=found.slices,
            level=level,
            threshold=found.threshold or DEFAULT,
            baseline_threshold=found.baseline_threshold or DEFAULT,
        )

    def __len__(self) -> int:
        return len(self.label)

    @functools.cached_property
    def answers(self) -> np.ndarray:
        """int [N]: the predicted classes."""
        from components.evaluator.judgment import metrics

        return metrics.answers(self.scores_for("accuracy"))

    @property
    def scores(self) -> np.ndarray:
        """float [N] of the positive class of two, or float [N, K]."""
        return self.probability if self.probabilities is None else self.probabilities

    @functools.cached_property
    def certainty(self) -> np.ndarray:
        """float [N]: the distance from the threshold; of more than two classes, the probability predicted."""
        import numpy as np

        return np.abs(self.probability - self.threshold) if self.probabilities is None else self.probability

    @functools.cached_property
    def right(self) -> np.ndarray:
        """bool [N]: whether the predicted class is the true one."""
        return self.answers == self.label

    @functools.cached_property
    def confusion(self) -> np.ndarray:
        """int [K, K]: counts by true class (rows) and predicted class (columns)."""
        from sklearn.metrics import confusion_matrix

        return confusion_matrix(self.label, self.answers, labels=list(range(len(self.classes))))

    @property
    def both_classes(self) -> bool:
        """Whether at least two classes occur, which a ROC curve needs."""
        return len(set(self.label.tolist())) > 1

    def roc(self) -> tuple[np.ndarray, np.ndarray, float]:
        """False positive rates, true positive rates, and the area under their curve. Needs `both_classes`."""
        from sklearn.metrics import roc_curve

        from components.evaluator.judgment import metrics

        false_positive, true_positive, _ = roc_curve(self.label, self.probability)
        return false_positive, true_positive, metrics.auc(self.label, self.probability)

    def roc_of(self, of_class: int) -> tuple[np.ndarray, np.ndarray, float]:
        """The same of one of more than two classes against the rest; both must have examples."""
        from sklearn.metrics import roc_curve

        from components.evaluator.judgment.measures import multiclass

        assert self.probabilities is not None
        false_positive, true_positive, _ = roc_curve(self.label == of_class, self.probabilities[:, of_class])
        return false_positive, true_positive, multiclass.auc_of(self.label, self.probabilities, of_class)

    def calibration(self) -> Calibration:
        """Predicted against observed shares of positives, in bins of equal width.

        Of more than two classes: of the predicted class, against the shares of correct predictions.
        """
        import numpy as np

        from components.evaluator.judgment import metrics

        two = self.probabilities is None
        probability, hit = (
            (self.probability, self.label) if two else (self.probability, self.right.astype(int))
        )
        total = metrics.CALIBRATION_BINS
        bins = np.minimum((probability * total).astype(int), total - 1)
        counts = np.bincount(bins, minlength=total)
        used = counts > 0
        predicted = np.bincount(bins, weights=probability, minlength=total)[used] / counts[used]
        observed = np.bincount(bins, weights=hit, minlength=total)[used] / counts[used]
        error = metrics.expected_calibration_error(hit, probability)
        return Calibration(predicted=predicted, observed=observed, counts=counts, error=error)

    def accuracy(self) -> Interval:
        return self._share("accuracy")

    def precision(self) -> Interval:
        """The share of true positives among the examples predicted positive."""
        return self._share("precision", count=int(self.confusion[:, 1].sum()))

    def recall(self) -> Interval:
        """The share of the positive examples that are predicted positive."""
        return self._share("recall", count=int(self.confusion[1].sum()))

    def slices(self) -> dict[str, Interval]:
        """Accuracy by length bucket, in the order of the buckets' median lengths."""
        import numpy as np

        names = np.asarray(self.length)
        sizes = np.asarray([len(text) for text in self.text])
        order = sorted(set(self.length), key=lambda name: float(np.median(sizes[names == name])))
        return {name: self._share("accuracy", names == name) for name in order}

    def slices_of(self, column: str, *, most: int = SLICES_SHOWN) -> dict[str, Interval]:
        """Accuracy by value of a metadata column, the most frequent `most` ones first."""
        assert self.metadata is not None
        values = self.metadata[column]
        frequent = Counter(values.tolist()).most_common(most)
        return {name or "(none)": self._share("accuracy", values == name) for name, _ in frequent}

    def interval(self, metric: str, chosen: np.ndarray | None = None) -> tuple[float, float] | None:
        """The gate's interval of a metric at `level`, on the examples where bool [N] `chosen` is true."""
        from components.evaluator.judgment import intervals

        label, probability, texts = self.label, self.scores_for(metric), self.text_id
        if chosen is not None:
            label, probability = label[chosen], probability[chosen]
            texts = None if texts is None else texts[chosen]
        return intervals.interval(
            metric, label=label, probability=probability, confidence=self.level, texts=texts
        )

    def scores_for(self, metric: str) -> np.ndarray:
        """float [N] as the functions of `judgment.metrics` take them for this metric, which cut at 0.5."""
        from components.evaluator.predictions import at_one_half

        return at_one_half(metric, self.scores, self.threshold)

    def _share(self, metric: str, chosen: np.ndarray | None = None, *, count: int | None = None) -> Interval:
        """A metric that is a share of `count` examples (None: of all); of 0 examples, from 0 to 1."""
        from components.evaluator.judgment.measures.by_name import measure_of

        label = self.label if chosen is None else self.label[chosen]
        probability = self.scores_for(metric)
        probability = probability if chosen is None else probability[chosen]
        count = len(label) if count is None else count
        if not count:
            return Interval(float("nan"), 0.0, 1.0, 0)
        lower, upper = self.interval(metric, chosen) or (0.0, 1.0)
        value = measure_of(metric, probability)(label, probability)
        return Interval(float(value), lower, upper, count)

    def most_confident(self, *, right: bool, per_class: int) -> list[int]:
        """Positions of the most confident correct (or incorrect) predictions.

        `per_class` predictions of each class, each text once, the most confident first.
        """
        import numpy as np

        order = np.argsort(-self.certainty, kind="stable")
        fitting = order[self.right[order] == right]
        found = [
            position
            for answer in range(len(self.classes))
            for position in self._distinct(fitting[self.answers[fitting] == answer])[:per_class]
        ]
        return sorted(found, key=lambda i: -float(self.certainty[i]))

    def wrongest_of(self, of_class: int, *, count: int) -> list[int]:
        """Positions of the examples of a class with the most confident wrong predictions, each text once."""
        import numpy as np

        order = np.argsort(-self.certainty, kind="stable")
        wrong = order[~self.right[order] & (self.label[order] == of_class)]
        return self._distinct(wrong)[:count]

    def least_confident(self, *, count: int) -> list[int]:
        """Positions of the `count` examples nearest to the threshold, each text once.

        Of more than two classes, of those whose two most probable classes are nearly equally probable.
        """
        import numpy as np

        if self.probabilities is None:
            distance = self.certainty
        else:
            ordered = np.sort(self.probabilities, axis=1)
            distance = ordered[:, -1] - ordered[:, -2]
        return self._distinct(np.argsort(distance, kind="stable"))[:count]

    def _distinct(self, positions: Iterable[int]) -> list[int]:
        """The first position of each distinct text."""
        first: dict[str, int] = {}
        for position in positions:
            first.setdefault(self.text[position], int(position))
        return list(first.values())

    def example(self, position: int) -> ShownExample:
        """The example at `position`, for display."""
        return ShownExample(
            text=LINE_BREAK.sub("\n", self.text[position]).strip(),
            truth=self.classes[int(self.label[position])],
            answer=self.classes[int(self.answers[position])],
            probability=float(self.probability[position]),
            baseline=self._baseline_at(position),
        )

    def _baseline_at(self, position: int) -> float | None:
        if self.baseline is None or math.isnan(self.baseline[position]):
            return None
        return float(self.baseline[position])

    def against_baseline(self) -> dict[str, int] | None:
        """The numbers of examples that both models, one of them, or neither predict correctly.

        Only examples that the earlier model was not trained on count; None without such examples. Where it
        has other classes, only examples of those that it knows count, and both choose among these.
        """
        import numpy as np

        if self.baseline is None or np.isnan(self.baseline).all():
            return None
        compared = ~np.isnan(self.baseline)
        if self.probabilities is None or self.baseline_probabilities is None:
            theirs = self.baseline >= np.float32(self.baseline_threshold)
            before, now = theirs.astype(int) == self.label, self.right
        else:
            # A class that the earlier model does not know has a probability of 0 in every row.
            known = self.baseline_probabilities.any(axis=0)
            compared &= known[self.label]
            before, now = (
                np.where(known, scores, -1).argmax(axis=1) == self.label
                for scores in (self.baseline_probabilities, self.probabilities)
            )
        before, now = before[compared], now[compared]
        return {
            "both": int((now & before).sum()),
            "gained": int((now & ~before).sum()),
            "lost": int((~now & before).sum()),
            "neither": int((~now & ~before).sum()),
        }


@dataclasses.dataclass(frozen=True)
class Calibration:
    """A reliability diagram. predicted, observed: float [bins in use]; counts: int [all bins]."""

    predicted: np.ndarray
    observed: np.ndarray
    counts: np.ndarray
    error: float  # the expected calibration error: mean distance of the points, weighted by their counts
