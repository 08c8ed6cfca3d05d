"""Lands a file of labelled reviews as the next span: whole or not at all, under a number of its own.

The span is made in a hidden folder beside the others and gets its name by one rename. A lock, which dies with
its holder, keeps others from taking the same number; what a dead one left behind is removed by the next.
"""

from __future__ import annotations

import csv
import dataclasses
import datetime
import fnmatch
import io
import os
import re
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from components.errors import GreenlightError, InputError
from components.example_gen.files import FilePart, content_fingerprint, file_fingerprint
from components.example_gen.formats import Format, format_of, is_gzipped
from components.example_gen.reading import Reading, require_usable, usable
from components.example_gen.settings import DataSettings
from components.example_gen.span_pattern import Misfit, SpanKey, SpanPattern, absolute
from components.example_gen.spans import Span, find
from pipeline.span_account import Account, account
from pipeline.span_record import RECORD, SpanRecord
from serving.errors import StoreBusy
from serving.local_files import LocalFiles

INCOMING = ".incoming-"
LOCK = ".landing.lock"
LAST = ".last-span"
"""Holds the last number given, so that a span that was removed never lends its number to another."""
FIRST_VERSION = 1
WAIT_SECONDS = 60.0
_WILD = re.compile(r"[*?\[]")


@dataclasses.dataclass(frozen=True)
class Landed:
    """What became of a file; not `added` where a span, `number`, has this very content already."""

    added: bool
    number: int
    path: str
    counted: Account
    fingerprint: str


@dataclasses.dataclass(frozen=True)
class _Place:
    """A pattern whose path part `at` is the folder of a span."""

    spans: SpanPattern
    at: int

    @property
    def folder(self) -> str:
        """Where the folders of the spans are."""
        return "/".join(self.spans.text.split("/")[: self.at]) or "/"

    @property
    def folders(self) -> SpanPattern:
        """The pattern of the folders of the spans, whatever is in them."""
        return SpanPattern("/".join(self.spans.text.split("/")[: self.at + 1]))

    def target(self, number: int, name: str) -> tuple[str, str]:
        """The folder of a new span, and the path in it of a file called `name`.

        Raises:
          InputError: the pattern has no room for the number, or would not find the file.
        """
        try:
            parts = self.spans.filled(SpanKey(number, FIRST_VERSION)).split("/")
        except ValueError as error:
            raise InputError(f"{self.spans.text} leaves no room for one more span: {error}.") from None
        if not _WILD.search(parts[-1]) and _kind(parts[-1]) == _kind(name):
            name = parts[-1]
        if not fnmatch.fnmatchcase(name, parts[-1]):
            raise InputError(f"{self.spans.text} would not find {name}. Rename the file, or use --to DIR.")
        return "/".join(parts[: self.at + 1]), "/".join([*parts[self.at + 1 : -1], name])


def land(
    file: Path, data: DataSettings, *, columns: tuple[str, str] | None = None, files: LocalFiles | None = None
) -> Landed:
    """Checks a file as a run would, and makes it the next span of `data.pattern`.

    Args:
      file: CSV, TSV, JSONL or TFRecord, also packed.
      data: the settings of the runs to come; their source has spans.
      columns: the file's own names of the text and the label, where they are not those of `data`; it is then
        landed as a CSV file with the names of `data`.
      files: the operations on the disk.

    Raises:
      InputError: the file cannot be used, is empty, or changes meanwhile; or nothing can be landed there.
      DataStopped: more of its rows than `data.max_bad_share` cannot be used.
      GreenlightError: another process has been landing for a minute.
    """
    place = _place(data.pattern)
    text, label = columns or (data.text_column, data.label_column)
    other_columns = (text, label) != (data.text_column, data.label_column)
    own = data.model_copy(update={"text_column": text, "label_column": label})
    before = _look(file)
    counted = account([str(file)], own)
    if not counted.reading.rows:
        raise InputError(f"{file}: there is not a single row in it.")
    require_usable(counted.reading, max_bad_share=data.max_bad_share)
    name = _name(file, rewritten=other_columns)
    place.target(1, name)
    files = files or LocalFiles()
    content = _as_csv(str(file), own, data) if other_columns else files.chunks(str(file))
    with _writing(place.folder), _alone(files, place.folder):
        staging = os.path.join(place.folder, INCOMING + secrets.token_hex(8))
        number = _next_number(place)
        folder, path = place.target(number, name)
        staged = os.path.join(staging, path)
        try:
            files.write(staged, content)
            if _look(file) != before:
                raise InputError(f"{file} was written to while it was read. Add it when that is done.")
            fingerprint = content_fingerprint([staged])
            if twin := _twin(staged, place):
                return Landed(False, twin.number, twin.paths[0], counted, fingerprint)
            record = SpanRecord.of(counted, fingerprint=fingerprint, origin=str(file), **_facts(staged))
            files.write(os.path.join(os.path.dirname(staged), RECORD), [record.to_json().encode()])
            files.replace(os.path.join(place.folder, LAST), f"{number}\n".encode())
            files.move(staging, folder)
        finally:
            files.remove(staging)
    return Landed(True, number, os.path.join(folder, path), counted, fingerprint)


def _place(pattern: str) -> _Place:
    """Raises InputError where a file cannot be landed so that the pattern finds it."""
    if "://" in pattern:
        raise InputError(
            f"{pattern} is not on this machine: copy the file there by other means, under the name of the "
            "next span, and last of all."
        )
    spans = SpanPattern(absolute(pattern))
    if spans.dated:
        raise InputError(f"{pattern}: spans that are dates are named by who delivers them; use {{SPAN}}.")
    parts = spans.text.split("/")
    at = next(index for index, part in enumerate(parts) if "{SPAN" in part)
    if at == len(parts) - 1:
        raise InputError(
            f"{pattern}: a span is landed as a folder, so {{SPAN}} has to stand in the name of one, for "
            "example reviews/span-{SPAN}/*.csv."
        )
    if any("{VERSION" in part for part in parts[:at]):
        raise InputError(
            f"{pattern}: a version is one of a span, so {{VERSION}} has to stand after {{SPAN}}."
        )
    if wild := next((part for part in parts[:-1] if _WILD.search(part)), None):
        raise InputError(f"{pattern}: which folder is {wild}? A file can be landed where none is a wildcard.")
    return _Place(spans, at)


def _look(file: Path) -> tuple[int, int, int]:
    """What changes when the file is written to."""
    try:
        found = file.stat()
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror or error}.") from None
    if not stat.S_ISREG(found.st_mode):
        raise InputError(f"{file} is not a file. Name one file of reviews.")
    return found.st_ino, found.st_size, found.st_mtime_ns


def _name(file: Path, *, rewritten: bool) -> str:
    """What the file will be called: never a hidden name, and one that tells its format."""
    name = file.name.lstrip(".")
    format_of(name)
    return f"{name.partition('.')[0]}.csv" if rewritten else name


def _kind(name: str) -> tuple[Format, bool]:
    return format_of(name), is_gzipped(name)


def _as_csv(path: str, own: DataSettings, data: DataSettings) -> Iterator[bytes]:
    """The usable reviews of a file, under the columns of `data`."""
    part = FilePart(path, own.text_column, own.label_column)
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow([data.text_column, data.label_column])
    for review, _ in usable(part.rows(), name=path, reading=Reading()):
        writer.writerow([review.text, review.label])
        if buffer.tell() > 2**20:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


@contextmanager
def _writing(folder: str) -> Iterator[None]:
    try:
        yield
    except StoreBusy as error:
        raise GreenlightError(str(error)) from None
    except OSError as error:
        raise InputError(f"Nothing can be landed in {folder}: {error.strerror or error}.") from error


@contextmanager
def _alone(files: LocalFiles, folder: str) -> Iterator[None]:
    """Holds the folder, cleared of what a process that died left half-made."""
    with files.lock(os.path.join(folder, LOCK), wait_seconds=WAIT_SECONDS, lease_seconds=WAIT_SECONDS):
        for name in files.folders(folder):
            if name.startswith(INCOMING):
                files.remove(os.path.join(folder, name))
        yield


def _next_number(place: _Place) -> int:
    """One more than any number that was given, to a span or to an empty folder."""
    given = [_last_number(place.folder), *(span.number for span in find(place.spans.text))]
    for entry in os.listdir(place.folder):
        with suppress(Misfit):  # `find` has complained if there are reviews in it
            key = place.folders.key(os.path.join(place.folder, entry))
            given += [key.number] if key else []
    return max(given) + 1


def _last_number(folder: str) -> int:
    try:
        return int(Path(folder, LAST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0


def _twin(staged: str, place: _Place) -> Span | None:
    """A span with a file of this content; only files of this size are read."""
    size, fingerprint = os.path.getsize(staged), file_fingerprint(staged)
    for span in find(place.spans.text):
        same_size: Iterable[str] = (file.path for file in span.files if file.size == size)
        if any(file_fingerprint(path) == fingerprint for path in same_size):
            return span
    return None


def _facts(staged: str) -> dict[str, object]:
    found = os.stat(staged)
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {
        "file": os.path.basename(staged),
        "size": found.st_size,
        "modified": found.st_mtime,
        "added": now,
    }
