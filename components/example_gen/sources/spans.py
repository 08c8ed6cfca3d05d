"""The spans that a file pattern matches, and the selection of those that a run reads."""

from __future__ import annotations

import glob
import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from components.errors import InputError
from components.example_gen.settings import DataSettings
from components.example_gen.sources.file_lookup import files_only, match, require_listable, without_links
from components.example_gen.span_pattern import Misfit, SpanKey, SpanPattern, absolute


@dataclass(frozen=True)
class SpanFile:
    """A file of a span: path, size and time, without its content."""

    path: str
    size: int
    modified: float
    """Seconds since 1970."""


@dataclass(frozen=True)
class Span:
    """One version of one span; its files by path."""

    number: int
    version: int | None
    files: tuple[SpanFile, ...]

    @property
    def paths(self) -> list[str]:
        return [file.path for file in self.files]

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(file.size for file in self.files)

    @property
    def modified(self) -> float:
        """The modification time of the newest file, in seconds since 1970."""
        return max(file.modified for file in self.files)

    @property
    def stamp(self) -> str:
        """A string of the names, sizes and times of the files; it changes when a file is written.

        It needs no reading of the files.
        """
        lines = [f"{os.path.basename(file.path)} {file.size} {file.modified!r}" for file in self.files]
        return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()

    def __str__(self) -> str:
        return f"{self.number}" if self.version is None else f"{self.number} version {self.version}"


def parse(pattern: str) -> SpanPattern:
    """Parses a pattern that was given to a command.

    Raises:
      InputError: the pattern is invalid.
    """
    try:
        return SpanPattern(absolute(pattern))
    except ValueError as error:
        raise InputError(f"The pattern {pattern} cannot be used: {error}.") from None


def find(pattern: str) -> list[Span]:
    """All versions of all spans, oldest first, without hidden files and folders.

    Raises:
      InputError: the pattern is invalid, a path has an invalid number, two paths write the same number in two
        ways, or the location cannot be listed.
    """
    spans = parse(pattern)
    by_key: dict[SpanKey, list[SpanFile]] = defaultdict(list)
    written: dict[SpanKey, tuple[tuple[str, ...], str]] = {}
    for file in _files(spans.glob):
        try:
            key = spans.key(file.path)
        except Misfit as error:
            raise InputError(f"data.source: {file.path} is of no span: {error}. Rename it.") from None
        if key is None:
            continue
        tokens, other = written.setdefault(key, (spans.tokens(file.path), file.path))
        if tokens != spans.tokens(file.path):
            raise InputError(
                f"data.source: duplicate span {key.number}: {other} and {file.path}. Remove one."
            )
        by_key[key].append(file)
    return [
        Span(
            number=key.number,
            version=key.version if spans.versioned else None,
            files=_each_once(by_key[key]),
        )
        for key in sorted(by_key)
    ]


def _each_once(found: Iterable[SpanFile]) -> tuple[SpanFile, ...]:
    """The files by path, without links to an earlier one."""
    by_path = {file.path: file for file in found}
    return tuple(by_path[path] for path in without_links(by_path))


def newest_versions(found: Iterable[Span]) -> list[Span]:
    """The newest version of each span, oldest span first."""
    newest: dict[int, Span] = {}
    for span in found:
        known = newest.get(span.number)
        if known is None or (span.version or 0) > (known.version or 0):
            newest[span.number] = span
    return [newest[number] for number in sorted(newest)]


def choose(found: Sequence[Span], settings: DataSettings) -> list[Span]:
    """The spans of a run, oldest first: the last `window` of those up to `span` that `without_spans` leaves.

    Args:
      found: one version of each span.

    Raises:
      InputError: none is left, or `span` does not exist.
    """
    kept = [span for span in found if span.number not in settings.without_spans]
    if settings.span is not None:
        if not any(span.number == settings.span for span in kept):
            raise InputError(f"data.span: there is no span {settings.span}; {_there_is(kept)}.")
        kept = [span for span in kept if span.number <= settings.span]
    if not kept:
        where = f"data.source: there is no span at {settings.pattern}"
        if found:
            raise InputError(f"{where} beside those of data.without_spans.")
        raise InputError(f"{where}. `greenlight data add FILE` adds one; or correct the pattern.")
    return kept[-settings.window :] if settings.window else kept


def chosen(settings: DataSettings) -> list[Span]:
    """The spans that a run with these settings reads now; empty if its source has no spans.

    Raises:
      InputError: as `find` and `choose`.
    """
    return choose(newest_versions(find(settings.pattern)), settings) if settings.has_spans else []


def in_words(numbers: Iterable[int], *, with_base: bool = False) -> str:
    """The spans for messages and the report.

    >>> in_words([5, 6, 7, 9], with_base=True)
    'spans 5-7, 9 and the packaged base'
    """
    ranges = [f"{first}" if first == last else f"{first}-{last}" for first, last in _ranges(numbers)]
    single = len(ranges) == 1 and "-" not in ranges[0]
    words = f"{'span' if single else 'spans'} {', '.join(ranges)}"
    return f"{words} and the packaged base" if with_base else words


def _ranges(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """First and last of each run of consecutive numbers."""
    first = last = None
    for number in sorted(set(numbers)):
        if last is not None and number == last + 1:
            last = number
            continue
        if first is not None and last is not None:
            yield first, last
        first = last = number
    if first is not None and last is not None:
        yield first, last


def _there_is(spans: Sequence[Span]) -> str:
    return f"there is: {in_words(span.number for span in spans)}" if spans else "there is none at all"


def _files(pattern: str) -> Iterator[SpanFile]:
    if "://" in pattern:
        yield from _remote_files(pattern)
        return
    require_listable(pattern)
    for path in files_only(glob.iglob(pattern, recursive=True), pattern):
        try:
            found = os.stat(path)
        except FileNotFoundError:
            continue  # deleted meanwhile
        yield SpanFile(path, found.st_size, found.st_mtime)


def _remote_files(pattern: str) -> Iterator[SpanFile]:
    """The files in an object store; imports Beam, which local files do not need."""
    for found in match(pattern):
        if not any(name.startswith(".") for name in found.path.split("://", 1)[1].split("/")):
            yield SpanFile(found.path, found.size_in_bytes, found.last_updated_in_seconds or 0.0)
