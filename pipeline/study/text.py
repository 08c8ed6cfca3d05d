"""The text of the early stopping study: its table and conclusion."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from pipeline.results.data_account import lines_of
from pipeline.study.result import LESSON_ACCURACY, LESSON_TRAINER, EmbeddedReview, Epoch, StudyResult

NUMBERS_SHOWN = 8
HEADER = ("epoch", "train acc", "val loss", "val acc", "val loss", "val acc", "")


def conclusion(result: StudyResult) -> str:
    """What early stopping saved, in a few sentences."""
    saved, stopped, without = result.saved, result.stopped, result.without
    epochs = len(without.epochs)
    if stopped.stopped_epoch is None:
        return f"Early stopping did not end the fit: all {epochs} epochs ran in both fits."
    last, better = without.epochs[-1]["val_loss"], "lower" if saved["val_loss"] >= 0 else "higher"
    return (
        f"Early stopping ended the fit after epoch {stopped.stopped_epoch} and kept the weights of epoch "
        f"{stopped.kept_epoch}. It saved {saved['epochs']} of {epochs} epochs and {saved['seconds']:.1f} of "
        f"{without.seconds:.1f} seconds. The model it kept has a validation loss of "
        f"{stopped.kept['val_loss']:.4f}: {abs(saved['val_loss']):.4f} {better} than the {last:.4f} after "
        f"{epochs} epochs."
    )


def accuracies(result: StudyResult) -> str:
    """Both accuracies and the lesson's."""
    return (
        f"Validation accuracy at 0.5 (scikit-learn's accuracy_score): {result.stopped.accuracy:.4f} with "
        f"early stopping, {result.without.accuracy:.4f} without. The lesson's: {LESSON_ACCURACY}."
    )


def model_in_words(result: StudyResult) -> str:
    """The model and its training in words."""
    trainer = result.trainer
    layers = [result.embedding, *(f"Dense({units})" for units in trainer["hidden_units"]), "sigmoid"]
    other = [f"{key} {trainer[key]}" for key, value in LESSON_TRAINER.items() if trainer[key] != value]
    words = (
        f"{', '.join(layers)}; Adam at {trainer['learning_rate']:g}, batches of {trainer['batch_size']}, "
        f"seed {trainer['seed']}. Early stopping on {trainer['monitor']}: patience {trainer['patience']}, "
        f"min_delta {trainer['min_delta']:g}."
    )
    return f"{words} Different from the lesson: {', '.join(other)}." if other else words


def cells(row_epoch: int, without: Epoch | None, stopped: Epoch | None) -> tuple[str, ...]:
    """The figures of one row of the table."""
    return (
        str(row_epoch),
        *_figures(without, "accuracy", "val_loss", "val_accuracy"),
        *_figures(stopped, "val_loss", "val_accuracy"),
    )


def numbers(review: EmbeddedReview) -> str:
    """The first numbers of a text's embedding, and how many there are."""
    shown = ", ".join(f"{value:.3f}" for value in review.embedding[:NUMBERS_SHOWN])
    more = ", ..." if len(review.embedding) > NUMBERS_SHOWN else ""
    return f"[{shown}{more}] (D = {len(review.embedding)})"


def as_text(result: StudyResult) -> str:
    """The whole study, 100 columns wide."""
    lines = [
        f"Early stopping, on {result.examples['train']:,} training and {result.examples['eval']:,} "
        "validation examples",
        *textwrap.wrap(model_in_words(result), 100),
        "",
    ]
    for review in result.reviews:
        lines += [
            f"  {result.classes[review.label]}: {textwrap.shorten(review.text, 84, placeholder=' ...')}",
            f"    {numbers(review)}",
        ]
    lines += ["", textwrap.indent(result.summary, "  "), "", *_table(result), ""]
    lines += textwrap.wrap(conclusion(result), 100) + textwrap.wrap(accuracies(result), 100)
    lines += [wrapped for line in lines_of(result.data) for wrapped in textwrap.wrap(line, 100)]
    return "\n".join(lines + [f"{name}: {path}" for name, path in result.files.items()])


def _table(result: StudyResult) -> list[str]:
    rows = [(*cells(row.epoch, row.without, row.stopped), row.note) for row in result.table()]
    lines = [f"{'':8}{'without early stopping':^33}{'with':^22}", _line(HEADER)]
    return lines + [_line(row) for row in rows]


def _line(texts: Sequence[str]) -> str:
    epoch, *figures, note = texts
    return f"{epoch:>5}   " + "".join(f"{figure:>11}" for figure in figures) + f"   {note}".rstrip()


def _figures(epoch: Epoch | None, *keys: str) -> tuple[str, ...]:
    return tuple(f"{epoch[key]:.4f}" if epoch else "-" for key in keys)
