"""A first look at files before a command loads anything heavy: what they are, and their first rows.

Commands that read reviews share it, so that a mistake at the beginning of a file is answered at once and in
the same words. Files elsewhere (`gs://...`) are left for the command to find: to open one takes Beam.
"""

import glob
import os
from collections.abc import Iterable, Sequence
from itertools import islice

from components.errors import InputError
from components.example_gen.formats.file_format import Format, format_of
from components.example_gen.formats.rows import BadRow
from components.example_gen.reading import Reading, require_no_scale, require_usable, usable
from components.example_gen.settings import DataSettings
from components.example_gen.sources import files, spans
from components.example_gen.sources.files import FilePart
from components.example_gen.span_pattern import absolute

FIRST_ROWS = 200
MOST_FILES = 50
_SURELY_TOO_MANY = 0.1
"""A file that begins with FIRST_ROWS unusable rows is refused unless such a share may be unusable."""
_SURELY_A_SCALE = 0.05
"""Share of the first rows that a further step of a scale has; a few slips among them tell nothing yet."""


def require_source(data: DataSettings) -> None:
    """Finds out that a run would have nothing to read, or not what it needs.

    Args:
      data: `source` is written out: where the spans of a workspace are, it says.

    Raises:
      InputError: no file matches, none of the spans that are wanted is there, or a file cannot be read as
        one of reviews.
      DataStopped: none of the first rows of a file can be used.
    """
    if not data.pattern or "://" in data.pattern:
        return
    paths = _newest_first(data) if data.has_spans else _matching(data.pattern)
    for path in paths:
        files.first_bytes(path)  # that it can be read at all is found out of every one
    for path in paths[:MOST_FILES]:
        preview(FilePart(path, data.columns, data.dialect), data, alone=len(paths) == 1)


def preview(part: FilePart, data: DataSettings, *, alone: bool) -> None:
    """Reads the first rows of a file; of a TFRecord file, which takes TensorFlow, the first bytes.

    Args:
      part: the file.
      data: what share of rows may be unusable.
      alone: whether there is no other file.

    Raises:
      InputError, DataStopped: as `require_source`.
    """
    if _takes_tensorflow(part.path):
        require_content(part.path)
        files.require_format(part.path)
        return
    reading = Reading()
    found = usable(islice(part.rows(), FIRST_ROWS), name=part.path, reading=reading)
    reading.taken = sum(1 for _ in found)
    if alone and not reading.rows:
        raise InputError(f"{part.path}: there is not a single row in it.")
    if alone and reading.rows < FIRST_ROWS:
        require_usable(reading, max_bad_share=data.max_bad_share)
    require_no_scale(reading, least_share=_SURELY_A_SCALE)
    if reading.bad_rows == FIRST_ROWS and data.max_bad_share < _SURELY_TOO_MANY:
        require_usable(reading, max_bad_share=data.max_bad_share)


def look(rows: Iterable[object]) -> None:
    """Reads the first rows of a file without labels.

    Raises:
      InputError: the file cannot be read as one of reviews.
      DataStopped: none of the first rows can be used.
    """
    reading = Reading()
    for row in islice(rows, FIRST_ROWS):
        if isinstance(row, BadRow):
            reading.add_bad(row)
        else:
            reading.taken += 1
    if reading.bad_rows == FIRST_ROWS:
        require_usable(reading, max_bad_share=0)


def require_content(path: str) -> None:
    """Raises InputError for a file of no bytes."""
    if not files.first_bytes(path):
        raise InputError(f"{path}: there is not a single row in it.")


def _takes_tensorflow(path: str) -> bool:
    return format_of(path) is Format.TF_RECORD


def _newest_first(data: DataSettings) -> list[str]:
    """The files of the spans that a run takes: those of the newest have not been read before."""
    return [path for span in reversed(spans.chosen(data)) for path in span.paths]


def _matching(pattern: str) -> Sequence[str]:
    pattern = absolute(pattern)
    if not os.path.isdir(pattern) and files.takes_beam(pattern):
        found = [path for path in glob.glob(pattern, recursive=True) if not os.path.isdir(path)]
        if found:  # Beam, whose patterns can do more, has the last word
            return files.without_links(found)
    return files.matching_paths(pattern)
