"""What early stopping saves: the lesson this project grew from, run again on our data and settings."""

from __future__ import annotations

import dataclasses
import functools
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from components.trainer.model import Classifier
    from components.trainer.settings import TrainerSettings
    from pipeline.config import Settings
    from pipeline.study_data import SplitFile

Epoch = Mapping[str, float]
LESSON_ACCURACY = 0.8685  # what the lesson's own early-stopped fit reached on its 10,000 validation reviews
LESSON_TRAINER: Mapping[str, Any] = {
    # The lesson's classifier: an embedding, a dense layer and a sigmoid, Adam and cross-entropy as they come.
    "learning_rate": 1e-3,
    "dropout": 0.0,
    "ngram_order": 0,
    "label_smoothing": 0.0,
    "calibrate": False,
}
TABLE_EPOCHS = (1, 5, 10, 20)
REVIEWS_SHOWN = 3


@dataclasses.dataclass(frozen=True)
class Fit:
    """One fit. epochs: as in the Trainer's history; accuracy: of the kept weights, at 0.5, on validation."""

    epochs: Sequence[Epoch]
    kept_epoch: int
    stopped_epoch: int | None
    seconds: float
    accuracy: float

    @property
    def kept(self) -> Epoch:
        return self.epochs[self.kept_epoch - 1]


@dataclasses.dataclass(frozen=True)
class EmbeddedReview:
    """A review, its label (0 or 1), and what the embedding makes of it before any training: D numbers."""

    text: str
    label: int
    embedding: Sequence[float]


@dataclasses.dataclass(frozen=True)
class TableRow:
    """A line of the table: an epoch, why it is there, its figures; None where a fit did not get to it."""

    epoch: int
    note: str
    without: Epoch | None
    stopped: Epoch | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class StudyResult:
    """Both fits, what they were made of, and what early stopping saved."""

    embedding: str
    trainer: Mapping[str, Any]
    examples: Mapping[str, int]
    reviews: Sequence[EmbeddedReview]
    summary: str
    without: Fit
    stopped: Fit
    seconds: float
    files: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def same_start(self) -> bool:
        """Whether the fits agree in the first epoch, as they must: same weights, same order, same dropout."""
        return all(self.without.epochs[0][key] == self.stopped.epochs[0][key] for key in ("loss", "val_loss"))

    @property
    def saved(self) -> dict[str, int | float]:
        """What the early-stopped fit has over the other; the kept epoch is compared with the last one."""
        return {
            "epochs": len(self.without.epochs) - len(self.stopped.epochs),
            "seconds": self.without.seconds - self.stopped.seconds,
            "val_loss": self.without.epochs[-1]["val_loss"] - self.stopped.kept["val_loss"],
            "accuracy": self.stopped.accuracy - self.without.accuracy,
        }

    def table(self) -> list[TableRow]:
        """The epochs worth comparing, in order, each once.

        Lowest and highest are of the fit without early stopping (validation), kept and stopped of the other.
        """
        full, short = self.without.epochs, self.stopped.epochs
        notes: dict[int, list[str]] = {epoch: [] for epoch in TABLE_EPOCHS if epoch <= len(full)}

        def note(epoch: int, text: str) -> None:
            notes.setdefault(epoch, []).append(text)

        note(_best(full, "val_loss", min), "lowest loss")
        note(_best(full, "val_accuracy", max), "highest accuracy")
        note(self.stopped.kept_epoch, "kept")
        if self.stopped.stopped_epoch:
            note(self.stopped.stopped_epoch, "stopped")
        note(len(full), "last")
        return [
            TableRow(epoch, ", ".join(notes[epoch]), _at(full, epoch), _at(short, epoch))
            for epoch in sorted(notes)
        ]

    def to_json(self) -> dict[str, Any]:
        """A JSON object; the table's rows refer to `fits` by epoch."""
        fits = {"without": self.without, "early_stopping": self.stopped}
        return {
            "study": "early-stopping",
            "embedding": self.embedding,
            "trainer": dict(self.trainer),
            "examples": dict(self.examples),
            "fits": {name: dataclasses.asdict(fit) for name, fit in fits.items()},
            "same_start": self.same_start,
            "saved": self.saved,
            "table": [{"epoch": row.epoch, "note": row.note} for row in self.table()],
            "reviews": [dataclasses.asdict(review) for review in self.reviews],
            "lesson_accuracy": LESSON_ACCURACY,
            "files": dict(self.files),
            "seconds": self.seconds,
        }

    def as_text(self) -> str:
        """The study for a terminal."""
        from pipeline.study_text import as_text

        return as_text(self)


def early_stopping(
    settings: Settings, *, output_dir: Path, progress: Callable[[str], None] | None = None
) -> StudyResult:
    """Fits one classifier twice from the same start, with and without early stopping, and draws both fits.

    Args:
      settings: data, embedding and trainer; trainer settings that nobody set are the lesson's.
      output_dir: gets the page and the pictures; made if needed.
      progress: is told a line whenever something happened.

    Raises:
      InputError: the source or the embedding cannot be used, or a split is empty.
      DataStopped: too many rows of the source cannot be used.
      GreenlightError: a fit diverged.
    """
    from components.trainer import progress as training
    from pipeline import study_data, study_page

    started = time.perf_counter()
    tell = progress or _ignore
    with tempfile.TemporaryDirectory(prefix="greenlight-study-") as scratch:
        tell("reading the reviews")
        files = study_data.write_splits(settings.located_data, Path(scratch))
        study_data.require_splits(files)
        trainer = lesson_trainer(settings.trainer)
        fits = {}
        for name, stop in (("without early stopping", False), ("with early stopping", True)):
            with training.listening(functools.partial(_tell_of, name, tell)):
                wanted = trainer.model_copy(update={"early_stopping": stop})
                fits[stop], classifier = _fit(settings, wanted, files)
        reviews = _first_reviews(settings, files["train"].path)
    result = StudyResult(
        embedding=settings.embedding.name,
        trainer=trainer.model_dump(mode="json", exclude={"early_stopping"}),
        examples={split: file.reviews for split, file in files.items()},
        reviews=reviews,
        summary=_summary(classifier),
        without=fits[False],
        stopped=fits[True],
        seconds=time.perf_counter() - started,
    )
    return dataclasses.replace(result, files=study_page.write(result, output_dir))


def lesson_trainer(given: TrainerSettings) -> TrainerSettings:
    """The lesson's settings, but for what was `given` on purpose."""
    chosen = given.model_dump(include=given.model_fields_set)
    return type(given).model_validate({**LESSON_TRAINER, **chosen})


def _fit(
    settings: Settings, trainer: TrainerSettings, files: Mapping[str, SplitFile]
) -> tuple[Fit, Classifier]:
    """One fit by the Trainer's own function, which starts from the seed: two calls start alike."""
    from components.trainer.train import train

    classifier, record = train(
        settings=trainer,
        embedding_settings=settings.embedding,
        cache_dir=settings.cache,
        train_files=[files["train"].path],
        eval_files=[files["eval"].path],
    )
    fit = Fit(
        epochs=tuple(record.epochs),
        kept_epoch=record.restored_epoch,
        stopped_epoch=record.stopped_epoch,
        seconds=sum(epoch["seconds"] for epoch in record.epochs),
        accuracy=_accuracy(classifier, files["eval"].path),
    )
    return fit, classifier


def _accuracy(classifier: Classifier, path: str) -> float:
    """scikit-learn's accuracy_score of the probabilities cut at 0.5, on raw text as a server would get it."""
    import numpy as np
    from sklearn.metrics import accuracy_score

    from components.trainer import data

    reviews = data.read([path], split="eval")
    probability = np.concatenate([classifier.probability(text).numpy() for text, _ in reviews.batches(2048)])
    return float(accuracy_score(reviews.labels.numpy() == 1, probability >= 0.5))


def _first_reviews(settings: Settings, path: str) -> tuple[EmbeddedReview, ...]:
    """The first reviews of the file with the embedding as others pre-trained it."""
    import tensorflow as tf

    from components import reviews
    from components.embeddings.load import load
    from components.embeddings.locate import locate

    records = tf.data.TFRecordDataset(path, compression_type="GZIP").batch(REVIEWS_SHOWN)
    parsed = tf.io.parse_example(next(iter(records)), reviews.feature_spec())
    handle = locate(settings.embedding, cache_dir=settings.cache)
    vectors = load(handle, name=settings.embedding.name, trainable=False)(parsed[reviews.TEXT]).numpy()
    return tuple(
        EmbeddedReview(text.decode("utf-8", "replace"), int(label), tuple(float(x) for x in vector))
        for text, label, vector in zip(
            parsed[reviews.TEXT].numpy(), parsed[reviews.LABEL].numpy(), vectors, strict=True
        )
    )


def _summary(classifier: Classifier) -> str:
    """Keras's summary of the model from raw text to probability."""
    from components.trainer.model import text_feed

    lines: list[str] = []
    text_feed(classifier).model.summary(print_fn=lambda line, **_: lines.append(line), line_length=72)
    return "\n".join(lines)


def _ignore(line: str) -> None:
    """Nobody watches."""


def _tell_of(fit: str, tell: Callable[[str], None], line: str) -> None:
    tell(f"{fit}: {line}")


def _best(epochs: Sequence[Epoch], key: str, choose: Callable) -> int:
    """The number of the first epoch with the lowest or highest `key`."""
    best = choose(epoch[key] for epoch in epochs)
    return next(int(epoch["epoch"]) for epoch in epochs if epoch[key] == best)


def _at(epochs: Sequence[Epoch], number: int) -> Epoch | None:
    return epochs[number - 1] if number <= len(epochs) else None
