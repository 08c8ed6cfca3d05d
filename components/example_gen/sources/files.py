"""The `files:PATTERN` source: one file, its format and its rows."""

from __future__ import annotations

from dataclasses import dataclass

from components.errors import InputError
from components.example_gen.formats.dialect import TOLD_BY_THE_FILE, Dialect
from components.example_gen.formats.file_format import Format, format_of, text_records
from components.example_gen.formats.packing import Packing, packing_of, require_rows, unpacked_head
from components.example_gen.formats.parquet import is_parquet
from components.example_gen.formats.rows import Columns, Records, Rows, as_reviews
from components.example_gen.sources.content import Content
from components.example_gen.sources.file_bytes import first_bytes, opened, place_of, raw_bytes
from components.example_gen.span_pattern import BASE

_ZLIB = (b"x\x01", b"x\x5e", b"x\x9c", b"x\xda")


@dataclass(frozen=True)
class FilePart:
    """One file, read by one worker from its first row to its last."""

    path: str
    columns: Columns
    dialect: Dialect = TOLD_BY_THE_FILE
    split: str | None = None
    """Files have no fixed split."""
    span: int = BASE

    @property
    def name(self) -> str:
        return self.path

    def held_out(self) -> tuple[str, ...]:
        """No texts: this source has no fixed split."""
        return ()

    def rows(self, content: Content | None = None) -> Rows:
        """The rows of the file.

        Args:
          content: gets the hash of what is read, after the last row.

        Raises:
          InputError: the file lacks a column, cannot be read, is damaged, or is not of the expected format.
        """
        return as_reviews(self.records(content), file=self.path, columns=self.columns)

    def records(self, content: Content | None = None) -> Records:
        """The same rows as records, unchecked."""
        return file_records(self.path, columns=self.columns, dialect=self.dialect, content=content)


def file_records(
    path: str,
    *,
    columns: Columns,
    dialect: Dialect = TOLD_BY_THE_FILE,
    known: Format | None = None,
    whole: bool = False,
    content: Content | None = None,
) -> Records:
    """The records of a file of any format.

    Args:
      path: the file, local or in an object store.
      columns: the needed columns.
      dialect: the dialect of delimited text.
      known: the format; None uses the name. Parquet and compressed files are detected by their bytes.
      whole: whether each record has all fields of its row, instead of only those in `columns`.
      content: gets the hash of what is read, after the last record.

    Raises:
      InputError: as `FilePart.rows`.
    """
    known = known or format_of(path)
    head = first_bytes(path)
    if is_parquet(head):
        return _parquet_records(path, columns, content, whole=whole)
    if known is Format.PARQUET:
        raise _no_parquet(head, path)
    if known is Format.TF_RECORD:
        return _tf_records(path, columns, content, gzipped=_is_gzipped_record(head, path))
    return _text_records(path, known, columns, dialect, content)


def require_tf_records(path: str) -> None:
    """Raises InputError if a file is neither TFRecord nor Parquet, which is read under any name."""
    head = first_bytes(path)
    if not is_parquet(head):
        _is_gzipped_record(head, path)


def _text_records(
    path: str, known: Format, columns: Columns, dialect: Dialect, content: Content | None
) -> Records:
    with opened(path, content) as stream:
        yield from text_records(stream, file=path, known=known, columns=columns, dialect=dialect)


def _parquet_records(path: str, columns: Columns, content: Content | None, *, whole: bool) -> Records:
    from components.example_gen.formats.parquet import parquet_records

    with place_of(path, content) as place:
        if "://" not in place:
            yield from parquet_records(place, file=path, columns=columns, whole=whole)
            return
        with raw_bytes(place) as source:
            yield from parquet_records(source, file=path, columns=columns, whole=whole)


def _tf_records(path: str, columns: Columns, content: Content | None, *, gzipped: bool) -> Records:
    # Imported here, because other formats do not need TensorFlow.
    from components.example_gen.formats.tf_records import example_records

    with place_of(path, content) as place:
        yield from example_records(
            path, place=place, gzipped=gzipped, columns=columns, reopened=lambda: raw_bytes(place)
        )


def _no_parquet(head: bytes, path: str) -> InputError:
    if (packing := packing_of(head)) is not Packing.NONE:
        return InputError(f"{path} is packed with {packing}; unpack it and name the file that is in it.")
    require_rows(head, path)
    return InputError(f"{path} is not a Parquet file; give it the name of the format that it has.")


def _is_gzipped_record(head: bytes, path: str) -> bool:
    packing = packing_of(head)
    if packing in (Packing.BZIP2, Packing.XZ):
        raise InputError(f"{path} is packed with {packing}; unpack it, or pack its records with gzip.")
    if packing is Packing.GZIP:
        with raw_bytes(path) as raw:
            head = unpacked_head(raw, path)
    if head and head[4:8] != bytes(4):  # not a record's length
        require_rows(head, path)
        if head[:2] in _ZLIB:
            raise InputError(f"{path} is packed with zlib; write its records with GZIP, or unpacked.")
        raise InputError(f"{path} is not a file of TFRecords; name it for the format that it has.")
    return packing is Packing.GZIP
