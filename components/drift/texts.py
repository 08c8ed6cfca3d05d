"""Readers of texts to compare, labeled or not, from all supported file formats. Needs no Beam."""

import dataclasses
import hashlib
import heapq
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from components.errors import DataStopped, InputError
from components.example_gen.formats.dialect import TOLD_BY_THE_FILE, Dialect
from components.example_gen.formats.file_format import line_records, unpacked_name
from components.example_gen.formats.labels import ACCEPTED, LabelRule
from components.example_gen.formats.rows import BadRow, Columns, Reason, Record, Records, text_problem
from components.example_gen.reading import Reading, good
from components.example_gen.reading_limits import require_no_scale
from components.example_gen.sources.file_bytes import opened
from components.example_gen.sources.file_lookup import found_paths, require_known_format
from components.example_gen.sources.files import file_records
from components.reviews import normalize

_PLAIN = ".txt"
_REMEDY = "Name the right one with --set data.text_column=NAME."


class Text(NamedTuple):
    """A text and the number of its class; None if it is unlabeled."""

    text: str
    label: int | None


@dataclasses.dataclass(frozen=True)
class Texts:
    """N texts and their labels, out of `rows` rows that had one."""

    texts: tuple[str, ...]
    labels: tuple[int | None, ...]
    rows: int
    reading: Reading = dataclasses.field(default_factory=Reading)
    """The account of all rows, where they came out of files."""

    def __len__(self) -> int:
        return len(self.texts)

    def account(self) -> dict[str, Any]:
        """The account of all rows, of which those beyond the sample are not used; see `Reading.account`."""
        distinct = len({normalize(text) for text in self.texts})
        return dataclasses.replace(self.reading, limit=len(self), duplicates=len(self) - distinct).account()

    @property
    def unknown_labels(self) -> Counter[str]:
        """Label -> rows, of labels that are not those of a class; they count as missing."""
        return self.reading.bad_labels

    @property
    def unusable(self) -> int:
        """Rows without a usable text."""
        return self.reading.bad_rows

    @property
    def not_utf8(self) -> int:
        """Of these, rows whose bytes are the reason."""
        return self.reading.bad[Reason.NOT_UTF8]


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
      InputError: a file cannot be read, has no such text column, or labels that are those of a scale.
    """
    reading = Reading()
    columns = columns_of(text_column, label_column, labels)
    rows = (
        text
        for path in paths
        for text in usable(records_of(path, columns, dialect), file=path, columns=columns, reading=reading)
    )
    found = sampled(rows, most=most)
    reading.taken = found.rows
    try:
        require_no_scale(reading, names=labels.names)
    except DataStopped as error:
        raise InputError(str(error)) from error
    return dataclasses.replace(found, reading=reading)


def columns_of(text_column: str, label_column: str, labels: LabelRule = ACCEPTED) -> Columns:
    """What is looked for in files that may have labels."""
    return Columns(text_column, label_column, label_needed=False, labels=labels, remedy=_REMEDY)


def records_of(path: str, columns: Columns, dialect: Dialect) -> Records:
    """Each row of a file, whatever it is worth."""
    if not is_plain(path):
        yield from file_records(path, columns=columns, dialect=dialect)
        return
    with opened(path) as stream:
        yield from line_records(stream, file=path, column=columns.text)


def usable(
    records: Iterable[Record | BadRow], *, file: str, columns: Columns, reading: Reading
) -> Iterator[Text]:
    """The texts that can be compared; other rows go on the account, and all labels."""
    for record in good(records, reading):
        text = record.fields.get(columns.text)
        if problem := text_problem(text):
            reading.add_bad(BadRow(file, record.line, *problem))
            continue
        label = record.fields.get(columns.label or "")
        known = columns.labels.class_of(label)
        reading.add_label(label, known, columns.labels.names)
        yield Text(str(text), known)


def is_plain(path: str) -> bool:
    """Whether a file is named as one of a text a line."""
    return unpacked_name(path).endswith(_PLAIN)


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
            f"There is no file {pattern}. Give a file of texts, a pattern such as 'data/*.csv', "
            "or the number of a span that `greenlight data list` shows."
        )
    for path in paths:
        if not is_plain(path):
            require_known_format(path)
    return paths
