"""The result of the early stopping study: two fits and their difference."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from components.reviews import CLASSES

Epoch = Mapping[str, float]
LESSON_ACCURACY = 0.8685  # of the lesson's own early-stopped fit, on its 10,000 validation examples
LESSON_TRAINER: Mapping[str, Any] = {
    # The lesson's classifier: an embedding, a dense layer and a sigmoid, Adam and cross-entropy as they come.
    "learning_rate": 1e-3,
    "dropout": 0.0,
    "ngram_order": 0,
    "label_smoothing": 0.0,
    "calibrate": False,
    "scale_with_examples": False,
}
TABLE_EPOCHS = (1, 5, 10, 20)


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
    """A text, its label (0 or 1), and its D numbers from the untrained embedding."""

    text: str
    label: int
    embedding: Sequence[float]


@dataclasses.dataclass(frozen=True)
class TableRow:
    """A row of the table: an epoch, the reason for it, its figures; None if a fit did not reach the epoch."""

    epoch: int
    note: str
    without: Epoch | None
    stopped: Epoch | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class StudyResult:
    """Both fits, their inputs, and what early stopping saved."""

    embedding: str
    trainer: Mapping[str, Any]
    examples: Mapping[str, int]
    reviews: Sequence[EmbeddedReview]
    summary: str
    without: Fit
    stopped: Fit
    seconds: float
    data: Mapping[str, Any] | None = None
    """The account of the rows of the source, as in the result of a run."""
    files: Mapping[str, str] = dataclasses.field(default_factory=dict)
    classes: tuple[str, ...] = CLASSES
    """The names of the labels 0 and 1."""

    @property
    def same_start(self) -> bool:
        """Whether the fits agree in the first epoch, as they must: same weights, same order, same dropout."""
        return all(self.without.epochs[0][key] == self.stopped.epochs[0][key] for key in ("loss", "val_loss"))

    @property
    def saved(self) -> dict[str, int | float]:
        """The gains of the early-stopped fit: its kept epoch against the last epoch of the other."""
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
            "data": self.data,
            "files": dict(self.files),
            "seconds": self.seconds,
        }


def _best(epochs: Sequence[Epoch], key: str, choose: Callable) -> int:
    """The number of the first epoch with the lowest or highest `key`."""
    best = choose(epoch[key] for epoch in epochs)
    return next(int(epoch["epoch"]) for epoch in epochs if epoch[key] == best)


def _at(epochs: Sequence[Epoch], number: int) -> Epoch | None:
    return epochs[number - 1] if number <= len(epochs) else None
