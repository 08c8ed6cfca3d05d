"""Texts to compare, labeled or not, out of files of any kind that reviews come in. Needs no Beam."""

import dataclasses
import hashlib
import heapq
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from components.errors import InputError
from components.example_gen.formats.dialect import TOLD_BY_THE_FILE, Dialect
from components.example_gen.formats.file_format import as_text, format_of, unpacked_name
from components.example_gen.formats.labels import ACCEPTED, LabelRule
from components.example_gen.formats.rows import BadRow, Columns, Reason
from components.example_gen.sources.files import file_records, found_paths, opened

_PLAIN = ".txt"
_REMEDY = "Name the right one with --set data.text_column=NAME."


class Text(NamedTuple):
    """A text that somebody wrote, and 0 or 1, or None where nobody said."""

    text: str
    label: int | None


@dataclasses.dataclass(frozen=True)
class Texts:
    """N texts and their labels, out of `rows` rows that had one; `unusable` rows had none, `not_utf8` of them
    because of their bytes.
    """

    texts: tuple[str, ...]
    labels: tuple[int | None, ...]
    rows: int
    unusable: int = 0
    not_utf8: int = 0

    def __len__(self) -> int:
        return len(self.texts)


def read_files(
    paths: Sequence[str],
    *,
    text_column: str,
    label_column: str,
    most: int,
    labels: LabelRule = ACCEPTED,
    dialect: Dialect = TOLD_BY_THE_FILE,
) -> Texts:
    """The texts of files: CSV, TSV, JSON, Parquet, TFRecord, or a text a line in .txt, each also with .gz.

    A column of labels is used where there is one; what is not a label counts as none.

    Args:
      paths: the files.
      text_column: the column, key or feature of the text; a .txt file needs none.
      label_column: that of the label; need not be there.
      most: see `sampled`.
      labels: which class a label means.
      dialect: of delimited text.

    Raises:
      InputError: a file cannot be read, or has no such text column.
    """
    unusable = not_utf8 = 0
    columns = Columns(text_column, label_column, label_needed=False, labels=labels, remedy=_REMEDY)

    def usable() -> Iterator[Text]:
        nonlocal unusable, not_utf8
        for path in paths:
            for row in _read(path, columns, dialect):
                if isinstance(row, Text) and row.text.strip() and _is_utf8(row.text):
                    yield row
                else:
                    unusable += 1
                    not_utf8 += row is Reason.NOT_UTF8 or (isinstance(row, Text) and not _is_utf8(row.text))

    found = sampled(usable(), most=most)
    return dataclasses.replace(found, unusable=unusable, not_utf8=not_utf8)


def _is_utf8(text: str) -> bool:
    """Whether UTF-8 can carry it: bytes that were not UTF-8 have become surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def sampled(rows: Iterable[Text], *, most: int) -> Texts:
    """All rows, or `most` of them where there are more: always the same, whatever order they come in."""
    count = 0

    def counted() -> Iterator[Text]:
        nonlocal count
        for row in rows:
            count += 1
            yield row

    taken = heapq.nsmallest(most, counted(), key=_rank)
    return Texts(tuple(row.text for row in taken), tuple(row.label for row in taken), count)


def _rank(row: Text) -> bytes:
    return hashlib.blake2b(row.text.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def _read(path: str, columns: Columns, dialect: Dialect) -> Iterator[Text | Reason | None]:
    """Each row of a file; of one that cannot be used why, as far as it is known."""
    if unpacked_name(path).endswith(_PLAIN):
        with opened(path) as stream, as_text(stream, path) as lines:
            yield from (Text(line.strip(), None) for line in lines)
        return
    yield from map(_as_text(columns), file_records(path, columns=columns, dialect=dialect))


def _as_text(columns: Columns) -> Callable[..., Text | Reason | None]:
    def as_text(record) -> Text | Reason | None:
        if isinstance(record, BadRow):
            return record.reason
        text, label = record.fields.get(columns.text), record.fields.get(columns.label)
        return Text(text, columns.labels.class_of(label)) if isinstance(text, str) else None

    return as_text


def require_texts(found: Texts, *, what: str) -> Texts:
    """The same texts.

    Raises:
      InputError: there is none.
    """
    if not found.texts:
        rows = f": none of its {found.unusable:,} rows can be used" if found.unusable else ""
        remedy = " Save it as UTF-8." if found.not_utf8 else ""
        bytes_of = f", {found.not_utf8:,} of them because they are not UTF-8" if found.not_utf8 else ""
        raise InputError(f"There is no text in {what}{rows}{bytes_of}.{remedy}")
    return found


def files_at(pattern: str) -> list[str]:
    """The file at `pattern`, or those that match it.

    Raises:
      InputError: there is none, it is a folder, or one is of no known format.
    """
    pattern = os.path.expanduser(pattern)
    if os.path.isdir(pattern):
        raise InputError(f"{pattern} is a folder; say which of its files, for example '{pattern}/*.csv'.")
    paths = found_paths(pattern)
    if not paths:
        raise InputError(
            f"There is no file {pattern}. Give a file of reviews, a pattern such as 'reviews/*.csv', "
            "or the number of a span that `greenlight data list` shows."
        )
    for path in paths:
        if not unpacked_name(path).endswith(_PLAIN):
            format_of(path)
    return paths
