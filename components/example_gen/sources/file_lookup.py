"""The files that match a path or a pattern.

Beam, which takes a second to import, is imported only if Python cannot find them itself.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from components.errors import InputError
from components.example_gen.formats.file_format import Format, format_of
from components.example_gen.formats.packing import require_rows
from components.example_gen.formats.rows import unreadable
from components.example_gen.sources.file_bytes import first_unpacked_bytes
from components.example_gen.span_pattern import absolute

if TYPE_CHECKING:
    from apache_beam.io.filesystem import FileMetadata


def matching_paths(pattern: str) -> list[str]:
    """The files of `data.source` that match, sorted.

    Raises:
      InputError: none matches, one has an unknown format, or the location cannot be listed.
    """
    pattern = absolute(pattern)
    if os.path.isdir(pattern):
        raise InputError(f"data.source: {pattern} is a folder; say which of its files: files:{pattern}/*.csv")
    paths = found_paths(pattern, named="data.source: ")
    if not paths:
        raise InputError(f"data.source: no file matches {pattern}; give a path or a pattern that does.")
    for path in paths:
        require_known_format(path)
    return paths


def require_known_format(path: str) -> None:
    """Checks that the name of a file shows its format.

    Raises:
      InputError: it does not; the message says what the file is, if its bytes show that.
    """
    try:
        format_of(path)
    except InputError:
        if os.path.isfile(path):
            require_rows(first_unpacked_bytes(path), path)
        raise


def found_paths(pattern: str, *, named: str = "") -> list[str]:
    """The files that match, sorted; of several paths to the same file (links), only the first.

    Args:
      pattern: a pattern in Beam's notation, or a literal path.
      named: the beginning of messages.

    Raises:
      InputError: the location, or a folder in it, cannot be listed.
    """
    pattern = absolute(pattern)
    if "://" not in pattern:
        require_listable(pattern)
        if os.path.lexists(pattern):
            return [pattern]
    if not takes_beam(pattern):
        return without_links(files_only(glob.glob(pattern, include_hidden=True), pattern))
    from apache_beam.io.filesystems import FileSystems

    with _asking(pattern, named):
        # A literal path may contain the characters of a pattern.
        if FileSystems.exists(pattern):
            return [pattern]
    return without_links(found.path for found in match(pattern, named=named))


def files_only(found: Iterable[str], pattern: str) -> Iterator[str]:
    """What `pattern` has found on this machine, without the folders.

    Raises:
      InputError: a folder is called like a file of examples, as Spark's are: its rows would be missing
        without a word.
    """
    for path in found:
        if not os.path.isdir(path):
            yield path
        elif "**" not in pattern and _is_called_like_a_file(path):  # `**` finds what is in it, too
            raise InputError(
                f"{path} is a folder; name the files in it ({path}/*), or leave it out of the pattern."
            )


def _is_called_like_a_file(path: str) -> bool:
    try:
        return format_of(path) is not Format.TF_RECORD  # of which the name may stand anywhere
    except InputError:
        return False


def require_listable(pattern: str) -> None:
    """Checks that the folders on the way to local files can be listed.

    Searching for files skips other folders silently, and their examples would be missing.

    Raises:
      InputError: a folder cannot be listed.
    """
    parts = pattern.split("/")
    wild = [at for at, part in enumerate(parts) if glob.has_magic(part) and at]
    for at in wild:
        above = "/".join(parts[:at]) or "/"
        for folder in glob.glob(above) if at > wild[0] else [above]:
            _require_of_folder(folder, lambda path: os.scandir(path).close())
    if not wild:
        _require_of_folder(pattern, os.lstat)


def _require_of_folder(path: str, ask: Callable[[str], object]) -> None:
    try:
        ask(path)
    except PermissionError as error:
        raise InputError(
            f"{path} cannot be looked into: {error.strerror}. See that the user of this process may read it."
        ) from error
    except OSError:
        return  # it does not exist or is not a folder: nothing is missed


_ONLY_OF_BEAM = ("**", "?", "[", "\\")
"""Beam's pattern characters that also match `/`; the last one escapes."""


def takes_beam(pattern: str) -> bool:
    """Whether only Beam can find the files that match."""
    return "://" in pattern or any(more in pattern for more in _ONLY_OF_BEAM)


def without_links(paths: Iterable[str]) -> list[str]:
    """The paths, sorted, without further paths to the same file."""
    known: set[tuple[int, int]] = set()
    kept = []
    for path in sorted(paths):
        if "://" not in path and (file := file_identity(path)):
            if file in known:
                continue
            known.add(file)
        kept.append(path)
    return kept


def file_identity(path: str) -> tuple[int, int] | None:
    """The identity of a local file, equal for all paths to it; None if the path leads nowhere."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def match(pattern: str, *, named: str = "data.source: ") -> list[FileMetadata]:
    """The files that match, each with its size and time, in no order.

    Raises:
      InputError: the location cannot be listed.
    """
    from apache_beam.io.filesystems import FileSystems

    with _asking(pattern, named):
        return FileSystems.match([pattern])[0].metadata_list


@contextmanager
def _asking(pattern: str, named: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:  # Beam has no file system for that scheme, or lacks its package
        raise InputError(f"{named}{pattern} cannot be looked up: {error}") from error
    except OSError as error:
        raise unreadable(pattern, error) from error
