"""The features that drift compares: text length, known words, embedding and predictions."""

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from components.drift.texts import Texts
from components.errors import GreenlightError
from components.reviews import count_words, normalize
from components.threshold import DEFAULT
from serving.model.loader import LoadError, load, load_parts
from serving.status import RequestError
from serving.tensorflow_errors import root_cause

UNLABELED = -1
_OF_CLASSES = "probabilities"
"""The output of a model of more than two classes."""
_BATCH = 512


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Features:
    """The features of N texts.

    Attributes:
      words: int64 [N].
      label: int8 [N], the number of the class, of two 1 is positive; UNLABELED without a label.
      seen: bool [N], whether the model was trained on the same text.
      probability: float32 [N], of the positive class, predicted by the model; of more than two classes, that
        of the predicted one.
      unknown: float32 [N], the share of a text's tokens without a vector in the embedding; None if unknown.
      vector: float32 [N, D], the embedding of each text, normalized to length 1 (0 without tokens); None if
        the embedding is not accessible, or of one number.
      classes: int16 [N], the predicted class, of a model of more than two; None for a model of two.
      threshold: the probability from which on the model predicts the positive class, of two.
    """

    words: np.ndarray
    label: np.ndarray
    seen: np.ndarray
    probability: np.ndarray
    unknown: np.ndarray | None = None
    vector: np.ndarray | None = None
    classes: np.ndarray | None = None
    threshold: float = DEFAULT

    def __len__(self) -> int:
        return len(self.words)

    @property
    def labeled(self) -> np.ndarray:
        """bool [N]."""
        return self.label != UNLABELED

    @property
    def predicted(self) -> np.ndarray:
        """int [N], the predicted class."""
        return positive(self.probability, self.threshold) if self.classes is None else self.classes

    def at(self, rows: np.ndarray) -> "Features":
        """The texts at `rows`, int [M]."""
        return dataclasses.replace(
            self,
            words=self.words[rows],
            label=self.label[rows],
            seen=self.seen[rows],
            probability=self.probability[rows],
            unknown=None if self.unknown is None else self.unknown[rows],
            vector=None if self.vector is None else self.vector[rows],
            classes=None if self.classes is None else self.classes[rows],
        )


class Predicted(NamedTuple):
    """The predictions for N texts; fields as in Features."""

    probability: np.ndarray
    classes: np.ndarray | None
    threshold: float = DEFAULT

    @property
    def label(self) -> np.ndarray:
        """int [N], the predicted class."""
        if self.classes is not None:
            return self.classes
        return positive(self.probability, self.threshold).astype(np.int16)

    @property
    def confidence(self) -> np.ndarray:
        """float [N], the probability of the predicted class."""
        if self.classes is not None:
            return self.probability
        return np.where(self.label == 1, self.probability, 1 - self.probability)


def positive(probability: np.ndarray, threshold: float) -> np.ndarray:
    """bool [N]: from the threshold on, as float32, as in the exported signatures."""
    return probability >= np.float32(threshold)


class FeatureModel:
    """A version of the model, for its predictions and the vectors of its embedding.

    Args:
      folder: the SavedModel.
      threshold: the probability from which on it predicts the positive class, of two.

    Raises:
      GreenlightError: it cannot be loaded, or does not accept raw text.
    """

    def __init__(self, folder: str, *, threshold: float = DEFAULT) -> None:
        self._folder = folder
        self._threshold = threshold
        try:
            self._model = load(folder, parallel=True)
            self._model.signatures["serving_default"].check_names(["text"])
        except (LoadError, KeyError, RequestError) as error:
            raise GreenlightError(f"{folder} cannot be used as a model: {root_cause(error)}") from error

    @functools.cached_property
    def _embedding(self) -> "_Embedding":
        """The model's embedding, loaded when it is needed: predictions do not need it."""
        try:
            return _Embedding(self._folder)
        except LoadError as error:
            raise GreenlightError(f"{self._folder} cannot be used as a model: {error}") from error

    def probability(self, texts: Sequence[str]) -> np.ndarray:
        """The probability of the positive class of two: float32 [N].

        Raises:
          GreenlightError: the model fails on them.
        """
        return self.predicted(texts).probability

    def predicted(self, texts: Sequence[str]) -> Predicted:
        """The predicted class of each text, and its probability.

        Raises:
          GreenlightError: the model fails on them.
        """
        parts = [self._ask(batch) for batch in _batches(texts)]
        probability = np.concatenate([np.zeros(0, np.float32), *(part.probability for part in parts)])
        classes = [part.classes for part in parts if part.classes is not None]
        return Predicted(probability, np.concatenate(classes) if classes else None, self._threshold)

    def features(self, given: Texts, *, trained_on: np.ndarray) -> Features:
        """The features of at least one text.

        Args:
          given: the texts.
          trained_on: the `fingerprints` of the texts that the model was trained on.

        Raises:
          GreenlightError: the model fails on them.
        """
        batches = _batches(given.texts)
        predicted = self.predicted(given.texts)
        return Features(
            words=np.array([count_words(normalize(text)) for text in given.texts], np.int64),
            label=np.array([UNLABELED if label is None else label for label in given.labels], np.int8),
            seen=np.isin(fingerprints(given.texts), trained_on),
            probability=predicted.probability,
            classes=predicted.classes,
            threshold=self._threshold,
            unknown=self._embedding.unknown(batches),
            vector=self._embedding.vectors(batches),
        )

    def _ask(self, batch: tf.Tensor) -> Predicted:
        try:
            outputs = self._model.run("serving_default", {"text": batch.numpy()})
            if _OF_CLASSES in outputs:
                return self._of_classes(outputs[_OF_CLASSES], len(batch))
            found = outputs["probability"]
        except (KeyError, RequestError) as error:
            raise GreenlightError(f"serving_default of {self._folder} fails: {root_cause(error)}") from error
        if found.size != len(batch):
            shape = f"probability of shape {found.shape} for {len(batch)} examples"
            raise GreenlightError(f"serving_default of {self._folder} gives {shape}")
        return Predicted(found.reshape(-1).astype(np.float32), None)

    def _of_classes(self, found: np.ndarray, rows: int) -> Predicted:
        if found.ndim != 2 or len(found) != rows:
            shape = f"{_OF_CLASSES} of shape {found.shape} for {rows} examples"
            raise GreenlightError(f"serving_default of {self._folder} gives {shape}")
        return Predicted(found.max(axis=1).astype(np.float32), found.argmax(axis=1).astype(np.int16))


class _Embedding:
    """The accessible functions of a model's embedding."""

    def __init__(self, folder: str) -> None:
        # A reference is kept, because the functions need the variables of this object.
        self._model = load_parts(folder)
        embedding = getattr(self._model, "embedding", None)
        self._embed = embedding if callable(embedding) else None
        self._token_ids = getattr(embedding, "token_ids", None)
        self._known = _vocabulary_size(folder) if self._token_ids is not None else None

    def unknown(self, batches: Sequence[tf.Tensor]) -> np.ndarray | None:
        """The share of each text's tokens without a vector: float32 [N]; None if unknown."""
        return None if self._known is None else np.concatenate([self._unknown(batch) for batch in batches])

    def vectors(self, batches: Sequence[tf.Tensor]) -> np.ndarray | None:
        """The vector of each text, of length 1: float32 [N, D].

        None if the embedding is not accessible, or of one number: at length 1 all of these are alike.
        """
        if self._embed is None:
            return None
        vectors = np.concatenate([self._vector(batch) for batch in batches])
        return vectors if vectors.shape[1] > 1 else None

    def _unknown(self, batch: tf.Tensor) -> np.ndarray:
        ids: Any = self._token_ids(batch)  # type: ignore[misc]
        row = ids.value_rowids().numpy()
        strange = (ids.flat_values.numpy() >= self._known).astype(np.float64)
        tokens = np.bincount(row, minlength=len(batch))
        share = np.bincount(row, weights=strange, minlength=len(batch)) / np.maximum(tokens, 1)
        return share.astype(np.float32)

    def _vector(self, batch: tf.Tensor) -> np.ndarray:
        vector = self._embed(batch).numpy()  # type: ignore[misc]
        # Unnormalized vectors mostly reflect the length of a text, which is a separate feature.
        length = np.linalg.norm(vector, axis=1, keepdims=True)
        return (vector / np.maximum(length, np.finfo(np.float32).tiny)).astype(np.float32)


def fingerprints(texts: Sequence[str]) -> np.ndarray:
    """A hash of each text, equal for equal texts: uint64 [N]."""
    found = [tf.bitcast(tf.fingerprint(batch), tf.uint64).numpy() for batch in _batches(texts)]
    return np.concatenate([np.zeros(0, np.uint64), *found])


def _vocabulary_size(folder: str) -> int | None:
    """The number of words with their own vectors: the lines of the vocabulary in the model's assets."""
    path = Path(folder) / "assets" / "vocabulary.txt"
    if not path.is_file():
        return None
    with path.open("rb") as lines:
        return sum(1 for _ in lines)


def _batches(texts: Sequence[str]) -> list[tf.Tensor]:
    encoded = [text.encode("utf-8", "replace") for text in texts]
    return [tf.constant(encoded[start : start + _BATCH]) for start in range(0, len(encoded), _BATCH)]
