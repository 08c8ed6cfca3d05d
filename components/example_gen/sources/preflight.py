"""The pre-flight check of files: their formats and first rows, before a command loads anything heavy.

All commands that read examples share it, so that an error at the beginning of a file is reported at once and
with the same message. Files on `gs://` and others are not checked, because opening one needs Beam.
"""

import glob
import importlib.util
import os
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from components.errors import InputError
from components.example_gen.formats.file_format import Format, format_of
from components.example_gen.formats.labels import CLASS_NAMES
from components.example_gen.formats.rows import Record, Records, as_reviews, require_columns
from components.example_gen.reading import LabelCounts, Reading, usable
from components.example_gen.reading_limits import require_no_scale, require_usable
from components.example_gen.settings import DataSettings
from components.example_gen.sources import file_bytes, file_lookup, files, spans
from components.example_gen.sources.files import FilePart
from components.example_gen.sources.label_census import census
from components.example_gen.span_pattern import absolute

FIRST_ROWS = 200
MOST_FILES = 50
_SURELY_TOO_MANY = 0.1
"""A file that begins with FIRST_ROWS unusable rows is refused, unless max_bad_share is at least this."""
_SURELY_A_SCALE = 0.05
"""The minimum share of the first rows with a third step of a scale; fewer may be typing errors."""

Look = Callable[[str, Reading], Iterable[object] | None]
"""Reads FIRST_ROWS rows of the file at a path: returns the usable rows and counts the others.

None for TFRecord files, which need TensorFlow: only their first bytes are checked.
"""


def require_file_system(address: str) -> None:
    """Refuses files on S3 where Beam lacks the package that it reads them with.

    Raises:
      InputError: it is not installed.
    """
    if address.startswith("s3://") and not _installed("boto3"):
        raise InputError(
            f"{address}: Beam reads s3:// with the package boto3, which is not installed. Install it "
            "(`pip install boto3`), or copy the files to this machine."
        )


def _installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ValueError:  # it is hidden in this process
        return False


def require_source(data: DataSettings) -> None:
    """Checks that a run can read the source.

    Args:
      data: the settings; the source `spans` must be replaced by its pattern.

    Raises:
      InputError: no file matches, no selected span exists, or a file cannot be read as examples.
      DataStopped: none of the first rows of a file can be used.
    """
    _require_two_classes(data)
    _require_own_columns(data)
    if not data.pattern:
        return
    if "://" in data.pattern:
        require_file_system(data.pattern)
        return
    paths = _newest_first(data) if data.has_spans else _matching(data.pattern)
    require_files(
        paths,
        labeled(data),
        max_bad_share=data.max_bad_share,
        names=data.class_names,
        census=lambda: census(paths, data),
    )


def _require_two_classes(data: DataSettings) -> None:
    """Raises InputError for other classes than two of a source that has two."""
    if (data.pattern and not data.with_base) or len(data.class_names) == 2:
        return
    source = "data.with_base = true: the packaged reviews have" if data.with_base else f"{data.source} has"
    raise InputError(
        f"{source} two classes, and data.classes names {len(data.class_names)}. Name your own files with "
        "data.source, or two classes."
    )


def _require_own_columns(data: DataSettings) -> None:
    """Raises InputError for slice columns of a source that has none."""
    if data.slice_columns and not data.pattern:
        raise InputError(
            f"data.slice_columns are columns of your own files; the source {data.source} has none. Name your "
            "files with data.source, or unset data.slice_columns."
        )


def labeled(data: DataSettings) -> Look:
    """The Look for files of labeled examples."""

    def look(path: str, reading: Reading) -> Iterable[object] | None:
        file_lookup.require_known_format(path)
        if format_of(path) is Format.TF_RECORD:
            return None
        part = FilePart(path, data.columns, data.dialect)
        records = _first_records(part, must_have_columns=data.max_bad_share < _SURELY_TOO_MANY)
        rows = as_reviews(records, file=path, columns=part.columns)
        return usable(rows, name=path, reading=reading, names=data.class_names)

    return look


def _first_records(part: FilePart, *, must_have_columns: bool) -> Records:
    """The first FIRST_ROWS records; then raises InputError if none had a needed column.

    The reader of JSON, whose objects may have any keys, raises it only at the end of the file.
    """
    names: dict[str, None] = {}
    for record in islice(part.records(), FIRST_ROWS):
        if isinstance(record, Record):
            names.update(dict.fromkeys(record.fields))
        yield record
    if names and must_have_columns:
        require_columns(part.columns, present=names, file=part.path)


def require_files(
    paths: Sequence[str],
    look: Look,
    *,
    max_bad_share: float,
    names: tuple[str, ...] = CLASS_NAMES,
    census: Callable[[], LabelCounts] | None = None,
) -> None:
    """Checks that each file can be opened, and the first rows of the first MOST_FILES files.

    Args:
      paths: local files.
      look: reads their rows.
      max_bad_share: the share of rows that may be unusable.
      names: those of the classes.
      census: counts the labels of all rows of all files, for advice about the first rows.

    Raises:
      InputError: a file cannot be read as examples, or the only file has no row.
      DataStopped: none of the first rows of a file can be used, or their labels are those of a scale.
    """
    for path in paths:
        file_bytes.first_bytes(path)
    for path in paths[:MOST_FILES]:
        reading = Reading()
        found = look(path, reading)
        if found is None:
            _require_records(path)
        else:
            reading.taken = sum(1 for _ in found)
            if len(paths) == 1 and not reading.rows:
                raise no_row(path)
            _judge(reading, max_bad_share, names, census, alone=len(paths) == 1)


def _judge(
    reading: Reading,
    max_bad_share: float,
    names: tuple[str, ...],
    census: Callable[[], LabelCounts] | None,
    *,
    alone: bool,
) -> None:
    if alone and reading.rows < FIRST_ROWS:  # the whole file was read
        require_usable(reading, max_bad_share=max_bad_share, names=names, census=census)
    whole = reading.rows < FIRST_ROWS
    require_no_scale(reading, least_share=_SURELY_A_SCALE, whole=whole, names=names)
    if reading.bad_rows == FIRST_ROWS and max_bad_share < _SURELY_TOO_MANY:
        require_usable(reading, max_bad_share=max_bad_share, whole=False, names=names, census=census)


def _require_records(path: str) -> None:
    if not file_bytes.first_bytes(path):
        raise no_row(path)
    files.require_tf_records(path)


def no_row(path: str) -> InputError:
    """The error of a file without rows."""
    return InputError(f"{path}: it contains no rows.")


def _newest_first(data: DataSettings) -> list[str]:
    """The files of the spans of a run, the newest span first, because it was never read before."""
    return [path for span in reversed(spans.chosen(data)) for path in span.paths]


def _matching(pattern: str) -> Sequence[str]:
    pattern = absolute(pattern)
    file_lookup.require_listable(pattern)
    if not os.path.isdir(pattern) and file_lookup.takes_beam(pattern):
        found = list(file_lookup.files_only(glob.glob(pattern, recursive=True), pattern))
        if found:  # Beam, whose patterns support more, decides
            return file_lookup.without_links(found)
    return file_lookup.matching_paths(pattern)
