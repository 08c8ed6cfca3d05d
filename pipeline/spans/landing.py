"""The landing of a file of labeled examples as the next span, atomically.

The span is built in a hidden folder beside the others and gets its name by one rename. A lock, which the
system releases when its holder dies, prevents duplicate numbers; the next process removes leftovers.
"""

from __future__ import annotations

import dataclasses
import datetime
import os
import secrets
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from components.errors import GreenlightError, InputError, MachineFault
from components.example_gen.formats.rows import Review, unreadable
from components.example_gen.reading import Reading, usable
from components.example_gen.reading_limits import require_usable
from components.example_gen.settings import DataSettings
from components.example_gen.sources.file_fingerprints import content_fingerprint, file_fingerprint
from components.example_gen.sources.files import FilePart
from components.example_gen.sources.label_census import census
from components.example_gen.sources.spans import Span, find
from pipeline.spans.account import Account, account
from pipeline.spans.destination import LAST, Destination, destination_of
from pipeline.spans.record import RECORD, SpanRecord
from pipeline.spans.rewriting import as_file, landed_name, require_readable
from serving.errors import StoreBusy
from serving.machine import faults
from serving.storage.local import LocalFiles

INCOMING = ".incoming-"
LOCK = ".landing.lock"
WAIT_SECONDS = 60.0


FileState = tuple[int, int, int]
"""Inode, size and time of change."""


@dataclasses.dataclass(frozen=True)
class Landed:
    """The result of landing a file; not `added` if the span `number` already has this content."""

    added: bool
    number: int
    path: str
    counted: Account
    fingerprint: str


def land(
    file: Path,
    data: DataSettings,
    *,
    columns: tuple[str, str] | None = None,
    files: LocalFiles | None = None,
    origin: str | None = None,
    left_out: Reading | None = None,
    beside: Mapping[str, Iterable[bytes]] | None = None,
    since: FileState | None = None,
) -> Landed:
    """Checks a file as a run would, and makes it the next span of `data.pattern`.

    Args:
      file: CSV, TSV, JSON, Parquet or TFRecord, also packed.
      data: the settings of the runs to come; their source has spans.
      columns: the file's own names of the text and the label, where they are not those of `data`.
        A file with others, with mapped labels or of a dialect that `data` names is landed rewritten, so that
        runs without these settings read the same examples; see `pipeline.spans.rewriting.landed_name`.
      files: the operations on the disk.
      origin: where the examples came from, for the record, if not from `file`.
      left_out: the account of the file that `file` was taken from: its rows that are not used are counted.
      beside: contents of further files by their names, landed beside that of the examples or not at all. The
        names begin with a dot: no reader of spans takes them.
      since: the file's state when it was first read, if that was before.

    Raises:
      InputError: the file cannot be used, is empty, or changes meanwhile; or nothing can be landed there.
      DataStopped: more of its rows than `data.max_bad_share` cannot be used.
      GreenlightError: another process has been landing for a minute.
    """
    place = destination_of(data.pattern)
    text, label = columns or (data.text_column, data.label_column)
    other_columns = (text, label) != (data.text_column, data.label_column)
    own = data.model_copy(update={"text_column": text, "label_column": label})
    before = since or state_of(file)
    name = landed_name(file.name, data, place, rewritten=other_columns)
    rewritten = name != file.name.lstrip(".") or other_columns or bool(data.mapping)
    if rewritten:
        require_readable(str(file), name, data)
    counted = account([str(file)], own)
    if not counted.reading.rows:
        raise InputError(f"{file}: it contains no rows.")
    require_usable(
        counted.reading,
        max_bad_share=data.max_bad_share,
        names=data.class_names,
        census=lambda: census([str(file)], own),
    )
    if left_out is not None:
        counted = counted.with_left_out(left_out)
    place.target(1, name)
    files = files or LocalFiles()
    content = as_file(name, _reviews(str(file), own), data) if rewritten else files.chunks(str(file))
    with _writing(place.folder), _alone(files, place.folder):
        staging = os.path.join(place.folder, INCOMING + secrets.token_hex(8))
        number = place.next_number()
        folder, path = place.target(number, name)
        staged = os.path.join(staging, path)
        try:
            files.write(staged, content)
            require_unchanged(file, before)
            fingerprint = content_fingerprint([staged])
            if duplicate := _duplicate(staged, place):
                return Landed(False, duplicate.number, duplicate.paths[0], counted, fingerprint)
            record = SpanRecord.of(
                counted, fingerprint=fingerprint, origin=origin or str(file), **_facts(staged)
            )
            further = {RECORD: [record.to_json().encode()], **(beside or {})}
            for other, written in further.items():
                files.write(os.path.join(os.path.dirname(staged), other), written)
            files.replace(os.path.join(place.folder, LAST), f"{number}\n".encode())
            files.move(staging, folder)
        finally:
            files.remove(staging)
    return Landed(True, number, os.path.join(folder, path), counted, fingerprint)


def require_unchanged(file: Path, before: FileState) -> None:
    """Raises InputError if the file was written since its state was `before`."""
    if state_of(file) != before:
        raise InputError(f"{file} was written to while it was read. Add it when that is done.")


def state_of(file: Path) -> FileState:
    """A state that changes when the file is written.

    Raises:
      InputError: it does not exist, or is a folder.
    """
    try:
        found = file.stat()
    except OSError as error:
        raise unreadable(str(file), error) from error
    if stat.S_ISDIR(found.st_mode):
        raise InputError(f"{file} is not a file. Name one file of labeled texts.")
    return found.st_ino, found.st_size, found.st_ctime_ns


def _reviews(path: str, own: DataSettings) -> Iterator[Review]:
    part = FilePart(path, own.columns, own.dialect)
    rows = usable(part.rows(), name=path, reading=Reading(), names=own.class_names)
    return (review for review, _ in rows)


@contextmanager
def _writing(folder: str) -> Iterator[None]:
    try:
        yield
    except StoreBusy as error:
        raise GreenlightError(str(error)) from None
    except OSError as error:
        if remedy := faults.remedy_of(error, folder):
            raise MachineFault(f"Nothing can be landed in {folder}: {remedy}") from error
        raise InputError(f"Nothing can be landed in {folder}: {error.strerror or error}.") from error


@contextmanager
def _alone(files: LocalFiles, folder: str) -> Iterator[None]:
    """Locks the folder, and removes leftovers of processes that died."""
    with files.lock(os.path.join(folder, LOCK), wait_seconds=WAIT_SECONDS, lease_seconds=WAIT_SECONDS):
        for name in files.folders(folder):
            if name.startswith(INCOMING):
                files.remove(os.path.join(folder, name))
        yield


def _duplicate(staged: str, place: Destination) -> Span | None:
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
