"""A model's answers on labeled reviews, and what they show: ROC, calibration, confusion, slices."""

from __future__ import annotations

import dataclasses
import functools
import math
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from components.reviews import CLASSES

if TYPE_CHECKING:
    import numpy as np

    from components.evaluator import predictions

CUT = 0.5  # a probability of CUT or more reads "positive", as the exported signatures say
LINE_BREAK = re.compile(r"(?:\s*<br\s*/?>\s*)+", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Interval:
    """A share of `count` examples with its Wilson interval."""

    value: float
    lower: float
    upper: float
    count: int


@dataclasses.dataclass(frozen=True)
class Review:
    """One review and what the model made of it; in `text`, `<br />` has become a line break."""

    text: str
    truth: str
    answer: str
    probability: float
    baseline: float | None


@dataclasses.dataclass(frozen=True)
class Predictions:
    """N labeled reviews with the model's probability that each is positive.

    text: N strings; label: int [N] of 0/1; probability: float [N] in 0..1; length: N names of length buckets;
    baseline: float [N], the earlier model's probabilities on the same reviews, nan on those that it has seen
      in training; or None.
    """

    text: tuple[str, ...]
    label: np.ndarray
    probability: np.ndarray
    length: tuple[str, ...]
    baseline: np.ndarray | None = None

    @classmethod
    def of(cls, found: predictions.Predictions) -> Predictions:
        """From what the Evaluator left, without the reviews that the model has seen in training."""
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
        )

    def __len__(self) -> int:
        return len(self.label)

    @functools.cached_property
    def answers(self) -> np.ndarray:
        """int [N]: the class the model names."""
        return (self.probability >= CUT).astype(int)

    @functools.cached_property
    def right(self) -> np.ndarray:
        """bool [N]: whether that class is the true one."""
        return self.answers == self.label

    @functools.cached_property
    def confusion(self) -> np.ndarray:
        """int [2, 2]: counts by true class (rows) and named class (columns)."""
        from sklearn.metrics import confusion_matrix

        return confusion_matrix(self.label, self.answers, labels=[0, 1])

    @property
    def both_classes(self) -> bool:
        """Whether both classes occur: without both there is no ROC curve."""
        return 0 < int(self.label.sum()) < len(self)

    def roc(self) -> tuple[np.ndarray, np.ndarray, float]:
        """False positive rates, true positive rates, and the area under their curve. Needs `both_classes`."""
        from sklearn.metrics import roc_curve

        from components.evaluator.judgment import metrics

        false_positive, true_positive, _ = roc_curve(self.label, self.probability)
        return false_positive, true_positive, metrics.auc(self.label, self.probability)

    def calibration(self) -> Calibration:
        """Predicted against observed shares of positives, in bins of equal width."""
        import numpy as np

        from components.evaluator.judgment import metrics

        total = metrics.CALIBRATION_BINS
        bins = np.minimum((self.probability * total).astype(int), total - 1)
        counts = np.bincount(bins, minlength=total)
        used = counts > 0
        predicted = np.bincount(bins, weights=self.probability, minlength=total)[used] / counts[used]
        observed = np.bincount(bins, weights=self.label, minlength=total)[used] / counts[used]
        error = metrics.expected_calibration_error(self.label, self.probability)
        return Calibration(predicted=predicted, observed=observed, counts=counts, error=error)

    def accuracy(self) -> Interval:
        return share(int(self.right.sum()), len(self))

    def precision(self) -> Interval:
        """Of those named positive, how many are."""
        return share(int(self.confusion[1, 1]), int(self.confusion[:, 1].sum()))

    def recall(self) -> Interval:
        """Of the positive ones, how many were named so."""
        return share(int(self.confusion[1, 1]), int(self.confusion[1].sum()))

    def slices(self) -> dict[str, Interval]:
        """Accuracy by length bucket, in the order of the buckets' median review."""
        import numpy as np

        names = np.asarray(self.length)
        sizes = np.asarray([len(text) for text in self.text])
        order = sorted(set(self.length), key=lambda name: float(np.median(sizes[names == name])))
        return {
            name: share(int(self.right[names == name].sum()), int((names == name).sum())) for name in order
        }

    def most_confident(self, *, right: bool, per_class: int) -> list[int]:
        """Positions of the reviews that the model got right (or wrong) with the greatest confidence.

        `per_class` of those it named negative and as many it named positive, each text once, surest first.
        """
        import numpy as np

        order = np.argsort(-np.abs(self.probability - CUT), kind="stable")
        fitting = order[self.right[order] == right]
        of_class = [self._distinct(fitting[self.answers[fitting] == answer])[:per_class] for answer in (0, 1)]
        return sorted(of_class[0] + of_class[1], key=lambda i: -abs(float(self.probability[i]) - CUT))

    def least_confident(self, *, count: int) -> list[int]:
        """Positions of the `count` reviews nearest to the cut, each text once."""
        import numpy as np

        return self._distinct(np.argsort(np.abs(self.probability - CUT), kind="stable"))[:count]

    def _distinct(self, positions: Iterable[int]) -> list[int]:
        """The first position of each text."""
        first: dict[str, int] = {}
        for position in positions:
            first.setdefault(self.text[position], int(position))
        return list(first.values())

    def review(self, position: int) -> Review:
        """The review at `position`, for showing."""
        return Review(
            text=LINE_BREAK.sub("\n", self.text[position]).strip(),
            truth=CLASSES[int(self.label[position])],
            answer=CLASSES[int(self.answers[position])],
            probability=float(self.probability[position]),
            baseline=self._baseline_at(position),
        )

    def _baseline_at(self, position: int) -> float | None:
        if self.baseline is None or math.isnan(self.baseline[position]):
            return None
        return float(self.baseline[position])

    def against_baseline(self) -> dict[str, int] | None:
        """How many reviews both models, only one of them, or neither got right, of those that the earlier one
        has not seen in training; None without such reviews.
        """
        import numpy as np

        if self.baseline is None or np.isnan(self.baseline).all():
            return None
        unseen = ~np.isnan(self.baseline)
        before = ((self.baseline >= CUT).astype(int) == self.label)[unseen]
        now = self.right[unseen]
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


def share(successes: int, count: int) -> Interval:
    """`successes` of `count` with a 95 % Wilson interval; of none, all that can be said is 0 to 1."""
    from scipy.stats import binomtest

    if not count:
        return Interval(float("nan"), 0.0, 1.0, 0)
    interval = binomtest(successes, count).proportion_ci(0.95, method="wilson")
    return Interval(successes / count, float(interval.low), float(interval.high), count)
