"""The cache of fits on the eval split, keyed by everything that determines them."""

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from scipy import special

from components.class_names import Names
from components.embeddings.locate import fingerprint, unchanged
from components.embeddings.settings import EmbeddingSettings
from components.evaluator.judgment import metrics
from components.fingerprints import code_fingerprint
from components.reviews import CLASSES
from components.trainer import fitting
from components.trainer.classifier import data, model
from components.trainer.fitting import FitRecord
from components.trainer.preparation import Prepared, prepare
from components.trainer.settings import TrainerSettings
from components.trainer.train import fit_prepared
from serving.storage.whole_file import write_whole

_BATCH = 2048
_PREPARED_WITH = (
    "tokens",
    "ngram_order",
    "ngram_min_count",
    "ngram_limit",
    "ngram_negation",
    "ngram_ending",
    "scale_with_examples",
    "memory_examples",
)
"""The training settings that `prepare` looks at; fits that agree in them share what it made."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class FitResult:
    """Of the eval split, which early stopping and calibration have seen; `seconds` are those of the fit."""

    accuracy: float
    log_loss: float
    calibration_error: float
    epochs: int
    seconds: float


class FitCache:
    """Fits on the same examples, each made and measured when it is first asked for.

    Args:
      folder: where results are kept: a JSON file a fit, named by a digest of settings, examples and code.
      train_files, eval_files: patterns of GZIP TFRecords of examples.
      cache_dir: where embeddings are kept between runs.
      classes: the names of the classes.
    """

    def __init__(
        self,
        folder: Path,
        *,
        train_files: Sequence[str],
        eval_files: Sequence[str],
        cache_dir: Path,
        classes: Names = CLASSES,
    ):
        self._folder = folder
        self._files = {"train_files": list(train_files), "eval_files": list(eval_files)}
        self._cache_dir = cache_dir
        self._classes = classes
        self._reviews = {name: _digest(patterns) for name, patterns in self._files.items()}
        self._code = code()
        self._prepared: tuple[object, Prepared] | None = None

    def of(self, trainer: TrainerSettings, embedding: EmbeddingSettings) -> FitResult:
        """Reads the result of that fit, or makes it.

        Raises:
          GreenlightError: a split is empty, the embedding cannot be had or used or was changed meanwhile, the
            fit diverged.
        """
        module = fingerprint(embedding, cache_dir=self._cache_dir)
        path = self._path(trainer, embedding, module)
        if (kept := _read(path)) is not None:
            return kept
        with unchanged(embedding, cache_dir=self._cache_dir, expected=module):
            measured = measure(self._prepare(trainer, embedding, module), trainer)
        _write(path, measured)
        return measured

    def _path(self, trainer: TrainerSettings, embedding: EmbeddingSettings, module: str) -> Path:
        decides: dict[str, object] = {
            "trainer": trainer.model_dump(mode="json", exclude={"memory_examples", "refit"}),
            "embedding": [embedding.trainable, module],
            "reviews": self._reviews,
            "code": self._code,
        }
        if len(self._classes) > 2:
            decides["classes"] = len(self._classes)
        name = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:24]
        return self._folder / f"{name}.json"

    def _prepare(self, trainer: TrainerSettings, embedding: EmbeddingSettings, module: str) -> Prepared:
        """What the last fit was prepared with, where this one takes the same."""
        wanted = embedding, module, [getattr(trainer, name) for name in _PREPARED_WITH]
        if self._prepared is None or self._prepared[0] != wanted:
            self._prepared = None  # frees its memory before the next one takes as much
            self._prepared = (
                wanted,
                prepare(
                    trainer,
                    embedding,
                    cache_dir=self._cache_dir,
                    train_files=self._files["train_files"],
                    eval_files=self._files["eval_files"],
                    classes=self._classes,
                ),
            )
        return self._prepared[1]


def code() -> str:
    """The fingerprint of the code that decides what a fit comes to."""
    return code_fingerprint("components.tuner.search")


def measure(prepared: Prepared, settings: TrainerSettings) -> FitResult:
    """Makes one fit, and scores the eval split with the model as it would be exported."""
    classifier, record = fit_prepared(prepared, settings)
    if classifier.classes > 2:
        return _measured_classes(classifier, record, prepared.evaluation)
    keras_model = model.encoded_feed(classifier).model
    scored = [
        (tf.sigmoid(keras_model(features, training=False)[:, 0]).numpy(), labels.numpy())
        for features, labels in prepared.evaluation.batches(_BATCH)
    ]
    probability, label = (np.concatenate(column) for column in zip(*scored, strict=True))
    return FitResult(
        accuracy=metrics.accuracy(label, probability),
        log_loss=metrics.loss(label, probability),
        calibration_error=metrics.expected_calibration_error(label, probability),
        epochs=len(record.epochs),
        seconds=record.seconds,
    )


def _measured_classes(classifier: model.Classifier, record: FitRecord, evaluation: data.Batches) -> FitResult:
    """The result of a fit of more than two classes; the calibration error is that of the chosen class."""
    logits, label = fitting.scored(classifier, evaluation)
    probabilities = special.softmax(logits.astype(np.float64), axis=1)
    right = probabilities.argmax(axis=1) == label
    quality = fitting.quality(classifier, evaluation)
    return FitResult(
        accuracy=quality["accuracy"],
        log_loss=quality["loss"],
        calibration_error=metrics.expected_calibration_error(right, probabilities.max(axis=1)),
        epochs=len(record.epochs),
        seconds=record.seconds,
    )


def _digest(patterns: Sequence[str]) -> str:
    """Of the files' content."""
    found = hashlib.sha256()
    for file in sorted(file for pattern in patterns for file in tf.io.gfile.glob(pattern)):
        with tf.io.gfile.GFile(file, "rb") as content:
            while block := content.read(2**20):
                found.update(block)
    return found.hexdigest()


def _read(path: Path) -> FitResult | None:
    """None where there is no such result, or none that can be read."""
    try:
        return FitResult(**json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _write(path: Path, measured: FitResult) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(dataclasses.asdict(measured)) + "\n")
