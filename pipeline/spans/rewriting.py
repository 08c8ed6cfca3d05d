"""Reviews as a CSV file that the settings of the runs to come read as the same reviews."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from components.errors import InputError
from components.example_gen.formats.rows import Review
from components.example_gen.settings import DataSettings


def require_quotes(file: str, data: DataSettings, *, why: str, remedy: str) -> None:
    """Raises InputError where `data` cannot read what `as_csv` writes; it says why `file` is rewritten."""
    if data.quoting == "none":
        raise InputError(
            f'{file} {why}, so it is landed as CSV with quotes, which data.quoting = "none" does not read; '
            f"{remedy}."
        )


def as_csv(reviews: Iterable[Review], data: DataSettings) -> Iterator[bytes]:
    """The file's bytes, under the columns of `data`, in its dialect and with its labels."""
    label_of = labels_written(data)
    buffer = io.StringIO(newline="")
    escape = data.dialect.escape
    writer = csv.writer(
        buffer, delimiter=data.dialect.delimiter or ",", escapechar=escape, doublequote=escape is None
    )
    writer.writerow([data.text_column, data.label_column])
    for review in reviews:
        writer.writerow([review.text, label_of[review.label]])
        if buffer.tell() > 2**20:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def labels_written(data: DataSettings) -> tuple[str, str]:
    """How a negative and a positive label are written so that `data` reads them as such."""
    if not data.labels:
        return "0", "1"
    by_class = {name: label for label, name in reversed(data.labels.items())}
    return by_class["negative"], by_class["positive"]
