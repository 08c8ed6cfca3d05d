"""The rewriting of examples so that runs with other label and dialect settings read them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from components.errors import InputError
from components.example_gen.formats.dialect import TOLD_BY_THE_FILE
from components.example_gen.formats.file_format import Format, format_of
from components.example_gen.formats.rows import Review
from components.example_gen.settings import DataSettings
from pipeline.spans.destination import Destination

_DELIMITED = (Format.CSV, Format.TSV)
_BUFFERED_CHARACTERS = 2**20


def landed_name(name: str, data: DataSettings, place: Destination, *, rewritten: bool) -> str:
    """What a file will be called in its span; another name than its own where it has to be rewritten.

    A file of another dialect becomes JSON lines, which read alike under every setting; one whose columns or
    labels are mapped becomes CSV, and so does the first where the pattern takes no JSON lines.

    Args:
      name: of the file as it was delivered.
      data: the settings that it was read with.
      place: where it will be landed.
      rewritten: whether it is rewritten whatever its labels and dialect are.

    Raises:
      InputError: the name promises no known format.
    """
    name = name.lstrip(".")
    stem, delimited = name.partition(".")[0], format_of(name) in _DELIMITED
    rewritten = rewritten or bool(data.mapping)
    if data.dialect != TOLD_BY_THE_FILE and (rewritten or delimited) and place.finds(f"{stem}.jsonl"):
        return f"{stem}.jsonl"
    return f"{stem}.csv" if rewritten else name


def require_readable(file: str, name: str, data: DataSettings) -> None:
    """Raises InputError where a rewritten file called `name` would be read as other examples than `file`."""
    rule = data.columns.labels
    if any(rule.class_of(label) != index for index, label in enumerate(rule.names)):
        raise InputError(
            f"{file} cannot be landed: data.labels gives the label {' or '.join(rule.names)} another class, "
            "and runs without data.labels would read it otherwise. Rename these labels in the file."
        )
    if data.quoting == "none" and format_of(name) in _DELIMITED:
        raise InputError(
            f'{file} has to be rewritten as CSV with quotes, which data.quoting = "none" does not read. Use '
            "--to DIR or a pattern that takes .jsonl files, or deliver the file without quotes as it is."
        )


def as_file(name: str, reviews: Iterable[Review], data: DataSettings) -> Iterator[bytes]:
    """The bytes of a file of examples called `name`, under the columns of `data`.

    Labels are those that every run accepts; CSV has the dialect of `data`.
    """
    labels = labels_written(data)
    buffer = io.StringIO(newline="")
    if format_of(name) is Format.JSON_LINES:

        def write(review: Review) -> None:
            fields = {data.text_column: review.text, data.label_column: labels[review.label]}
            fields |= dict(review.slices)
            buffer.write(json.dumps(fields) + "\n")

    else:
        writer = csv_writer(buffer, data)
        writer.writerow([data.text_column, data.label_column, *data.slice_columns])

        def write(review: Review) -> None:
            writer.writerow([review.text, labels[review.label], *dict(review.slices).values()])

    for review in reviews:
        write(review)
        if buffer.tell() > _BUFFERED_CHARACTERS:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def labels_written(data: DataSettings) -> tuple[str, ...]:
    """How the label of each class is written so that every run reads it as such."""
    return data.class_names if data.mapping or data.classes else ("0", "1")


def as_landed(data: DataSettings) -> DataSettings:
    """The settings that read the texts and labels of a landed span: without a mapping of labels, a dialect,
    and slice columns, which spans that were landed before lack.
    """
    no_mapping: dict[str, Any] = {"labels": {}, "negative": None, "positive": None, "slice_columns": ()}
    return data.model_copy(update={**no_mapping, "delimiter": None, "quoting": "minimal", "escape": None})


def csv_writer(buffer: io.StringIO, data: DataSettings) -> Any:
    """A `csv.writer` of the dialect of `data`, with quotes where a field needs them."""
    escape = data.dialect.escape
    return csv.writer(
        buffer, delimiter=data.dialect.delimiter or ",", escapechar=escape, doublequote=escape is None
    )
