"""The comparison of texts with a model's training data: figures, thresholds and findings."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from components.drift import comparators, sampling_error
from components.drift.buckets import Buckets, tenths_from_0_to_1, tenths_of
from components.drift.features import Features, positive
from components.drift.findings import Finding, Histogram, judged, unjudged
from components.drift.settings import DriftSettings
from components.reviews import CLASSES

LENGTH, UNKNOWN, LABELS = "length", "unknown_words", "labels"
PREDICTIONS, EMBEDDING, ERRORS = "predictions", "embedding", "errors"

_DIVERGENCE: comparators.Measure = "jensen_shannon_divergence"
_LARGEST_DIFFERENCE: comparators.Measure = "l_infinity"


@dataclass(frozen=True, kw_only=True)
class _Column:
    """A feature of the examples of both sides, and its comparison.

    `whose` describes the examples that have the feature; `told` formats the values of both sides, the
    compared side first.
    """

    name: str
    limit: float
    measure: comparators.Measure
    reference: np.ndarray
    compared: np.ndarray
    whose: str
    buckets: Callable[[np.ndarray], Buckets]
    told: Callable[[np.ndarray, np.ndarray], str]

    @property
    def sizes(self) -> tuple[int, int]:
        return len(self.compared), len(self.reference)


def compare(
    reference: Features,
    compared: Features,
    settings: DriftSettings,
    *,
    served: bool,
    classes: tuple[str, ...] = CLASSES,
) -> tuple[tuple[Finding, ...], tuple[Histogram, ...]]:
    """The findings of all figures that are not switched off, and the histograms of those that have one.

    Args:
      reference: the training data of the live model, or other examples of the same source.
      compared: the examples that may have drifted.
      settings: the limits.
      served: whether `compared` was served; see `comparators.measure`.
      classes: the names of the classes, the positive one last.
    """
    columns = list(_columns(reference, compared, settings, classes))
    enough = [column for column in columns if min(column.sizes) >= settings.min_examples]
    buckets = {column.name: column.buckets(column.reference) for column in enough}
    distances = _distances(enough, buckets, served=served)
    findings = [
        _of_column(column, buckets[column.name], distances[column.name], settings)
        if column in enough
        else _too_few(column.name, column.measure, column.limit, column.whose, column.sizes, settings)
        for column in columns
    ]
    findings += [*_embedding(reference, compared, settings), *_errors(reference, compared, settings)]
    return tuple(findings), tuple(_histogram(column, buckets[column.name]) for column in enough)


def _columns(
    reference: Features, compared: Features, settings: DriftSettings, classes: tuple[str, ...]
) -> Iterator[_Column]:
    if settings.max_length_divergence is not None:
        yield _Column(
            name=LENGTH,
            limit=settings.max_length_divergence,
            measure=_DIVERGENCE,
            reference=reference.words,
            compared=compared.words,
            whose="examples",
            buckets=lambda words: tenths_of(words, shown_as=".0f"),
            told=lambda ours, theirs: (
                f"median of {np.median(ours):,.0f} words, reference {np.median(theirs):,.0f}"
            ),
        )
    if settings.max_unknown_divergence is not None and reference.unknown is not None:
        yield _Column(
            name=UNKNOWN,
            limit=settings.max_unknown_divergence,
            measure=_DIVERGENCE,
            reference=reference.unknown,
            compared=_of_both(compared.unknown),
            whose="examples",
            buckets=lambda shares: tenths_of(shares, shown_as=".1%"),
            told=lambda ours, theirs: (
                f"{np.mean(ours):.1%} of a text's words, reference {np.mean(theirs):.1%}"
            ),
        )
    if settings.max_label_change is not None:
        yield _Column(
            name=LABELS,
            limit=settings.max_label_change,
            measure=_LARGEST_DIFFERENCE,
            reference=reference.label[reference.labeled],
            compared=compared.label[compared.labeled],
            whose="labeled examples",
            buckets=lambda labels: _of_each(classes),
            told=lambda ours, theirs: _class_shares(ours, theirs, classes),
        )
    if settings.max_prediction_divergence is not None and reference.classes is not None:
        yield _Column(
            name=PREDICTIONS,
            limit=settings.max_prediction_divergence,
            measure=_DIVERGENCE,
            reference=reference.classes[~reference.seen],
            compared=_of_both(compared.classes)[~compared.seen],
            whose="examples that the model was not trained on",
            buckets=lambda predicted: _of_each(classes),
            told=lambda ours, theirs: _class_shares(ours, theirs, classes),
        )
    elif settings.max_prediction_divergence is not None:
        yield _Column(
            name=PREDICTIONS,
            limit=settings.max_prediction_divergence,
            measure=_DIVERGENCE,
            reference=reference.probability[~reference.seen],
            compared=compared.probability[~compared.seen],
            whose="examples that the model was not trained on",
            buckets=lambda probabilities: tenths_from_0_to_1(),
            told=lambda ours, theirs: (
                f"{np.mean(positive(ours, compared.threshold)):.1%} {classes[1]}, "
                f"reference {np.mean(positive(theirs, reference.threshold)):.1%}; "
                f"{_unsure(ours):.1%} from 0.1 to 0.9, reference {_unsure(theirs):.1%}"
            ),
        )


def _of_each(classes: tuple[str, ...]) -> Buckets:
    """A bucket for each class."""
    return Buckets(tuple(number + 0.5 for number in range(len(classes) - 1)), classes)


def _class_shares(ours: np.ndarray, theirs: np.ndarray, classes: tuple[str, ...]) -> str:
    """The share of the positive class of two; of more, that of the class whose share differs most."""
    if len(classes) == 2:
        return f"{np.mean(ours):.1%} {classes[1]}, reference {np.mean(theirs):.1%}"
    shares, known = (np.bincount(labels, minlength=len(classes)) / len(labels) for labels in (ours, theirs))
    most = int(np.abs(shares - known).argmax())
    return f"{shares[most]:.1%} {classes[most]}, reference {known[most]:.1%}, the class that differs most"


def _unsure(probability: np.ndarray) -> float:
    return float(np.mean(np.abs(probability - 0.5) < 0.4))


def _of_both(column: np.ndarray | None) -> np.ndarray:
    """The values of both sides, which have the same features because one model computed them."""
    if column is None:
        raise ValueError("the reference has a feature that the compared examples lack")
    return column


def _distances(columns: list[_Column], buckets: dict[str, Buckets], *, served: bool) -> dict[str, float]:
    if not columns:
        return {}
    reference = {column.name: buckets[column.name].of(column.reference) for column in columns}
    compared = {column.name: buckets[column.name].of(column.compared) for column in columns}
    measures = {column.name: column.measure for column in columns}
    return comparators.measure(reference, compared, measures, served=served)


def _of_column(column: _Column, buckets: Buckets, value: float, settings: DriftSettings) -> Finding:
    if column.measure == _DIVERGENCE:
        allowance = sampling_error.of_divergence(len(buckets.names), *column.sizes, risk=settings.risk)
    else:
        allowance = _of_shares(column, len(buckets.names), settings.risk)
    return judged(
        column.name,
        column.measure,
        value=value,
        limit=column.limit,
        threshold=column.limit + allowance,
        figures=column.told(column.compared, column.reference),
        examples=len(column.compared),
    )


def _of_shares(column: _Column, classes: int, risk: float) -> float:
    """The allowance for the largest difference between the shares of the classes."""
    labels = np.concatenate([column.compared, column.reference]).astype(np.int64)
    shares = np.bincount(labels, minlength=classes) / len(labels)
    if classes == 2:  # the differences of both are one and the same
        return sampling_error.of_difference(float(np.mean(labels)), *column.sizes, risk=risk)
    return max(
        sampling_error.of_difference(float(share), *column.sizes, risk=risk / classes) for share in shares
    )


def _histogram(column: _Column, buckets: Buckets) -> Histogram:
    return Histogram(
        name=column.name,
        buckets=buckets.names,
        compared=buckets.shares(column.compared),
        reference=buckets.shares(column.reference),
    )


def _embedding(reference: Features, compared: Features, settings: DriftSettings) -> Iterator[Finding]:
    limit, measure = settings.max_embedding_distance, "distance_of_means"
    if limit is None or reference.vector is None:
        return
    ours, theirs = _of_both(compared.vector).astype(np.float64), reference.vector.astype(np.float64)
    sizes = len(ours), len(theirs)
    if min(sizes) < settings.min_examples:
        yield _too_few(EMBEDDING, measure, limit, "examples", sizes, settings)
        return
    covariance = np.atleast_2d(np.cov(theirs, rowvar=False))
    spread = math.sqrt(np.trace(covariance)) or 1.0
    allowance = sampling_error.of_squared_distance(covariance, *sizes, risk=settings.risk)
    yield judged(
        EMBEDDING,
        measure,
        value=float(np.linalg.norm(ours.mean(axis=0) - theirs.mean(axis=0))) / spread,
        limit=limit,
        threshold=math.sqrt(limit**2 + allowance),
        figures="between the mean embeddings, in units of the spread of single texts",
        examples=len(ours),
    )


def _errors(reference: Features, compared: Features, settings: DriftSettings) -> Iterator[Finding]:
    limit, measure = settings.max_error_increase, "increase"
    if limit is None:
        return
    # The model is rarely wrong on its training examples: these can hide an increase, but not cause one.
    ours = _wrong(compared)[compared.labeled]
    theirs = _wrong(reference)[reference.labeled & ~reference.seen]
    sizes = len(ours), len(theirs)
    if min(sizes) < settings.min_examples:
        yield _too_few(ERRORS, measure, limit, "labeled examples", sizes, settings)
        return
    together = float(np.mean(np.concatenate([ours, theirs])))
    yield judged(
        ERRORS,
        measure,
        value=float(ours.mean() - theirs.mean()),
        limit=limit,
        threshold=limit + sampling_error.of_increase(together, *sizes, risk=settings.risk),
        figures=f"the model contradicts {ours.mean():.1%} of the labels, reference {theirs.mean():.1%}",
        examples=len(ours),
    )


def _wrong(side: Features) -> np.ndarray:
    """bool [N]: whether the prediction differs from the label; meaningless for unlabeled examples."""
    return side.predicted != side.label


def _too_few(
    name: str, measure: str, limit: float, whose: str, sizes: tuple[int, int], settings: DriftSettings
) -> Finding:
    side, count = ("", sizes[0]) if sizes[0] < settings.min_examples else (" of the reference", sizes[1])
    return unjudged(
        name,
        measure,
        limit=limit,
        figures=f"not judged: {count:,} {whose}{side} are fewer than the {settings.min_examples:,} of "
        "drift.min_examples",
        examples=sizes[0],
    )
