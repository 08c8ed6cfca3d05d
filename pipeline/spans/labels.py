"""The label check of a file before it becomes a span, and the quarantine of suspected rows."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from components.data_check.settings import CheckSettings
from components.errors import DataStopped, InputError
from components.example_gen.reading import Reading, usable
from components.example_gen.reading_limits import require_usable
from components.example_gen.settings import DataSettings
from components.example_gen.sources.files import FilePart
from pipeline.spans.destination import destination_of
from pipeline.spans.landing import require_unchanged, state_of
from pipeline.spans.rewriting import (
    as_file,
    as_landed,
    csv_writer,
    labels_written,
    landed_name,
    require_readable,
)
from serving.machine import scratch

if TYPE_CHECKING:
    from components.example_gen.formats.rows import Review
    from components.label_check.suspects import LabelCheck

QUARANTINED = ".quarantined.csv"
"""The file of the rows that were left out of a span. It is hidden from readers of spans."""
_FROM_OTHER_SPANS = 10_000
_NAMED = 10
_SHOWN = 60


@dataclass(frozen=True)
class FileLabels:
    """The result of the label check of one file."""

    file: str
    rows: tuple[Review, ...]
    check: LabelCheck
    reading: Reading
    """The account of all rows, of which those that cannot be used are not in `rows`."""
    classes: tuple[str, ...]
    """The names of the classes."""
    too_many: bool
    """Whether more labels are suspected than `check.max_suspect_share` allows."""

    def first(self) -> list[str]:
        """The most probably wrong labels: file, line, label and the beginning of the text."""
        return [
            f"{self.file}:{self.rows[one.index].line}: {self.classes[one.label]}, {one.probability:.0%} "
            f"probable: {self.rows[one.index].text[:_SHOWN]!a}"
            for one in self.check.suspects[:_NAMED]
        ]

    def kept(self) -> list[Review]:
        suspected = {one.index for one in self.check.suspects}
        return [row for index, row in enumerate(self.rows) if index not in suspected]

    def quarantined(self) -> list[tuple[Review, float]]:
        """The suspected rows, each with the probability of its label."""
        return [(self.rows[one.index], one.probability) for one in self.check.suspects]


def check_labels(
    file: str, own: DataSettings, settings: CheckSettings, *, spans: Sequence[str] = (), data: DataSettings
) -> FileLabels | None:
    """Examines the labels of a file beside those of the spans that are there.

    Args:
      file: the file.
      own: the settings with the names of its columns.
      settings: what is allowed.
      spans: paths of the spans' files, the newest last.
      data: the settings with the names of their columns.

    Returns:
      None where `check.label_check` is "off".

    Raises:
      InputError: the file cannot be read, lacks a column, or is written to meanwhile.
      DataStopped: there are too many wrong labels, and spans with such are to be quarantined.
    """
    if settings.label_check == "off":
        return None
    from components.data_check.limits import too_many
    from components.label_check.suspects import find_suspects

    reading, before = Reading(), state_of(Path(file))
    rows = tuple(_rows(file, own, reading))
    reading.taken = len(rows)
    require_unchanged(Path(file), before)
    others = list(islice(_of_spans(spans, data), _FROM_OTHER_SPANS))
    reference = [row.text for row in others], [row.label for row in others]
    check = find_suspects([row.text for row in rows], [row.label for row in rows], reference=reference)
    found = FileLabels(file, rows, check, reading, own.class_names, too_many(check, settings))
    if found.too_many and settings.label_check == "quarantine span":
        lines = "\n".join(f"  {line}" for line in found.first())
        raise DataStopped(
            f"{file} was not landed: {check.share:.1%} of its {check.examined:,} labels look wrong, more "
            f"than check.max_suspect_share = {settings.max_suspect_share:.1%}. The first ones:\n{lines}\n"
            "Correct them, or add it nevertheless with --set check.label_check=report."
        )
    return found


def _rows(file: str, data: DataSettings, reading: Reading) -> Iterator[Review]:
    part = FilePart(file, data.columns, data.dialect)
    for review, _ in usable(part.rows(), name=file, reading=reading, names=data.class_names):
        yield review


def _of_spans(paths: Sequence[str], data: DataSettings) -> Iterator[Review]:
    """The rows of the newest spans first; a span that cannot be read says nothing here.

    Each is read with the accepted labels and its own dialect, as it was landed, else as `data` says, which
    may be the mapping of the new file alone.
    """
    for path in reversed(paths):
        for settings in (as_landed(data), data.model_copy(update={"slice_columns": ()})):
            reading = Reading()
            try:
                rows = list(islice(_rows(path, settings, reading), _FROM_OTHER_SPANS))
                reading.taken = len(rows)
                require_usable(reading, max_bad_share=data.max_bad_share, names=data.class_names)
            except (InputError, DataStopped):
                continue
            yield from rows
            break


@contextmanager
def without_suspects(found: FileLabels, data: DataSettings) -> Iterator[Path]:
    """A file of the rows that are not suspected, as every run reads them; gone after the block.

    Raises:
      InputError: it could only be one that `data` would not read as the same examples.
    """
    name = landed_name(Path(found.file).name, data, destination_of(data.pattern), rewritten=True)
    require_readable(found.file, name, data)
    with scratch.folder("labels") as folder:
        path = folder / name
        with path.open("wb") as file:
            file.writelines(as_file(name, found.kept(), data))
        yield path


def quarantined(found: FileLabels, data: DataSettings) -> bytes:
    """The suspected rows as the CSV file that is kept beside the span that is landed without them.

    Under the columns of `data` and with labels that every run reads: mended, the file can be added; only
    `data.quoting = "none"` does not read the quotes of a text that needs them.
    """
    label_of, buffer = labels_written(data), io.StringIO(newline="")
    writer = csv_writer(buffer, data)
    writer.writerow(["line", data.text_column, data.label_column, *data.slice_columns, "probability"])
    for row, probability in found.quarantined():
        slices = dict(row.slices).values()
        writer.writerow([row.line, row.text, label_of[row.label], *slices, f"{probability:.4f}"])
    return buffer.getvalue().encode()
