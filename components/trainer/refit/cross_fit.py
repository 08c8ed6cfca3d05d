"""Cross-fitting for few examples: the number of epochs and the calibration from several held-out parts.

An eval split of a few dozen examples is too small for early stopping and calibration: with 25 of them an
offset of the calibration that is only noise costs three points of accuracy. K-fold cross-validation (Stone,
Cross-Validatory Choice and Assessment of Statistical Predictions, 1974) uses every example of train and eval
once: each part in turn is held out from a fit to the others. The predictions of the held-out parts together
calibrate the refit model, as in stacking (Wolpert, 1992) and in scikit-learn's `CalibratedClassifierCV` with
`ensemble=False`.
"""

import dataclasses
import statistics
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from components.trainer import fitting, progress
from components.trainer.classifier import ngrams
from components.trainer.classifier.calibration import find, fold
from components.trainer.classifier.data import ReviewsInMemory
from components.trainer.preparation import Prepared
from components.trainer.settings import TrainerSettings

MOST_EXAMPLES = 1_000
"""Up to so many training examples there is cross-fitting; the eval split of more is large enough."""
_MOST_PARTS = 4
"""The maximum number of parts that train is divided into."""


@dataclasses.dataclass(frozen=True)
class CrossFit:
    """What the held-out parts say.

    Attributes:
      first: the fit to train, judged on eval, with the calibration of all parts.
      parts: the number of held-out parts; eval is one of them.
      epochs: the median of the epochs that the fits keep.
    """

    first: fitting.Fitted
    parts: int
    epochs: int


def applies(prepared: Prepared, settings: TrainerSettings, *, strategy: Any) -> bool:
    """Whether there are few enough examples, in the memory of this process."""
    few = settings.scale_with_examples and len(prepared.train) <= MOST_EXAMPLES
    return few and strategy is None and isinstance(prepared.train, ReviewsInMemory)


def cross_fit(
    prepared: Prepared,
    settings: TrainerSettings,
    fit: Callable[[Prepared, TrainerSettings], fitting.Fitted],
) -> CrossFit:
    """Fits to train and judges on eval; then the same with parts of train in the place of eval.

    Args:
      prepared: examples that were prepared for a refit.
      settings: the settings of the fits.
      fit: fits to `train` of what was prepared, from scratch.

    Raises:
      GreenlightError: a fit diverged.
    """
    uncalibrated = settings.model_copy(update={"calibrate": False})
    first = fit(prepared, uncalibrated)
    logits, labels = fitting.scored(first[0], prepared.evaluation)
    found, epochs = [(logits, labels)], [first[1].restored_epoch]
    parts = list(_held_out(prepared, settings))
    progress.report(
        f"{len(parts)} more fits, each without a part of the {len(prepared.train):,} training examples: eval "
        "alone is too small to choose the number of epochs and the calibration"
    )
    for part in parts:
        classifier, record = fit(part, uncalibrated)
        found.append(fitting.scored(classifier, part.evaluation))
        epochs.append(record.restored_epoch)
    if settings.calibrate:
        calibration = find(*(np.concatenate(column) for column in zip(*found, strict=True)))
        fold(calibration, first[0].head.get_layer("logit"))
        first = first[0], dataclasses.replace(first[1], calibration=calibration)
    return CrossFit(first, len(found), round(statistics.median(epochs)))


def _held_out(prepared: Prepared, settings: TrainerSettings) -> Iterator[Prepared]:
    """The examples with a part of train held out as eval, for each part, of about the size of eval.

    Each part is a range of train, whose order is that of the texts' fingerprints (`data.read`): copies of a
    text stay together, except where they are on both sides of a border.
    """
    train, size = prepared.train, len(prepared.train)
    assert isinstance(train, ReviewsInMemory) and isinstance(prepared.evaluation, ReviewsInMemory)
    number = min(_MOST_PARTS, max(2, round(size / len(prepared.evaluation))), size)
    for part in range(number):
        held = np.arange(size) * number // size == part
        rest = train.at(np.flatnonzero(~held)).followed_by(prepared.evaluation)
        yield _relearned(prepared, settings, train=rest, evaluation=train.at(np.flatnonzero(held)))


def _relearned(
    prepared: Prepared, settings: TrainerSettings, *, train: ReviewsInMemory, evaluation: ReviewsInMemory
) -> Prepared:
    """Other examples to fit and to judge, with the values of n-grams that those to fit teach."""
    if prepared.vocabulary_of_both is None:
        return dataclasses.replace(prepared, train=train, evaluation=evaluation)
    vocabulary = ngrams.relearn(
        prepared.vocabulary_of_both,
        train.features[1],
        train.labels.numpy(),
        classes=len(prepared.classes),
        min_count=settings.scaled(examples=len(train)).ngram_min_count,
    )
    index = ngrams.NgramIndex(vocabulary)

    def encoded(features: Any) -> tuple[Any, tf.RaggedTensor, tf.Tensor]:
        return features[0], features[1], index.root(features[1])

    return dataclasses.replace(
        prepared, vocabulary=vocabulary, train=train.mapped(encoded), evaluation=evaluation.mapped(encoded)
    )
