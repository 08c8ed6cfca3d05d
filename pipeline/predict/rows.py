"""Predictions for rows of a file or texts of the command line, with a count of bad rows."""

from __future__ import annotations

import dataclasses
import itertools
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager

from components.batch_prediction import unlabeled
from components.batch_prediction.unlabeled import Unlabeled, Unlabeleds, Wanted
from components.errors import InputError
from components.example_gen.formats.file_format import Format
from components.example_gen.formats.packing import unpacked
from components.example_gen.formats.rows import BadRow, Reason, Record
from components.example_gen.reading import Reading, good
from components.example_gen.sources.preflight import no_row
from pipeline.preflight.reviews import require_unlabeled_files
from serving.transports.calls import Prediction

STANDARD_INPUT = "-"
BATCH = 256

Predict = Callable[[Sequence[str]], list[Prediction]]


class TextsRefused(InputError):
    """The server does not take one of the texts, as one that is too long."""


@dataclasses.dataclass(frozen=True)
class Predicted:
    """A row and what the model says of it."""

    row: Unlabeled
    prediction: Prediction


def given_texts(texts: Sequence[str]) -> list[Unlabeled]:
    """The texts of a command line as rows.

    Raises:
      InputError: one of them is empty or no UTF-8.
    """
    records = (Record(number, {"text": text}) for number, text in enumerate(texts, start=1))
    rows = list(unlabeled.unlabeled(records, file="TEXT", text_column="text"))
    for row in rows:
        if isinstance(row, BadRow):
            raise InputError(f"TEXT {row.line}: {row.reason}. Give a text in quotes.")
    return [row for row in rows if isinstance(row, Unlabeled)]


def name_of(path: str) -> str:
    """How the file is called in messages."""
    return "standard input" if path == STANDARD_INPUT else path


@contextmanager
def rows_of(path: str, *, known: str | None, wanted: Wanted, max_bad_share: float) -> Iterator[Unlabeleds]:
    """The rows of a file, or of standard input for `-`, once the first ones have shown that it can be used.

    Args:
      path: of the file.
      known: one of `unlabeled.FORMATS`; None goes by the name, and takes standard input for a text a line.
      wanted: what is looked for in it.
      max_bad_share: the share of rows that may be unusable.

    Raises:
      InputError: the file cannot be read, its format cannot be told, or it has no row.
      DataStopped: too many of the first rows cannot be used.
    """
    name = name_of(path)
    if known is None:
        known = unlabeled.LINES if path == STANDARD_INPUT else unlabeled.format_named(path, tf_records=False)
    if known == Format.TF_RECORD.value:
        raise InputError(f"{name}: TFRecord files are for `greenlight batch-predict`.")
    if path != STANDARD_INPUT:
        require_unlabeled_files([path], wanted=wanted, known=known, max_bad_share=max_bad_share)
        with closing(unlabeled.read_file(path, known=known, wanted=wanted)) as rows:
            yield rows
        return
    # A duplicate: who reads it may close it.
    with (
        open(os.dup(sys.stdin.fileno()), "rb") as raw,
        unpacked(raw, name) as stream,
        closing(unlabeled.read_stream(stream, file=name, known=known, wanted=wanted)) as rows,
    ):
        yield itertools.chain(_first(rows, name), rows)


def _first(rows: Unlabeleds, name: str) -> list[Unlabeled | BadRow]:
    """The first row: more would keep a person waiting who types them."""
    for row in rows:
        return [row]
    raise no_row(name)


def predicted(
    rows: Iterable[Unlabeled | BadRow], predict: Predict, *, reading: Reading, file: str | None = None
) -> Iterator[list[Predicted]]:
    """The good rows with their predictions, in batches; `reading` keeps the account of all.

    file: how their file is called; a row of it that the server refuses is a bad one. Without it, an error.
    """
    for batch in _batches(good(rows, reading)):
        try:
            found = _answered(batch, predict)
        except TextsRefused:
            if file is None:
                raise
            _require_that_any_is_taken(predict)
            found = list(_answered_in_parts(batch, predict, reading, file))
        reading.taken += len(found)
        if found:
            yield found


def _answered(batch: Sequence[Unlabeled], predict: Predict) -> list[Predicted]:
    found = predict([row.text for row in batch])
    return [Predicted(row, prediction) for row, prediction in zip(batch, found, strict=True)]


def _require_that_any_is_taken(predict: Predict) -> None:
    """Raises TextsRefused if it is not for the texts that they are refused."""
    predict(["A text."])


def _answered_in_parts(
    batch: Sequence[Unlabeled], predict: Predict, reading: Reading, file: str
) -> Iterator[Predicted]:
    """The rows that the server takes, found by halves; the others go on the account."""
    try:
        yield from _answered(batch, predict)
    except TextsRefused as error:
        if len(batch) == 1:
            reading.add_bad(BadRow(file, batch[0].line, Reason.REFUSED, str(error)))
            return
        half = len(batch) // 2
        for part in (batch[:half], batch[half:]):
            yield from _answered_in_parts(part, predict, reading, file)


def _batches(rows: Iterator[Unlabeled]) -> Iterator[list[Unlabeled]]:
    while batch := list(itertools.islice(rows, BATCH)):
        yield batch
