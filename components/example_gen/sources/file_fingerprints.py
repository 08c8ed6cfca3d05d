"""Fingerprints of files: what a cache key holds of their formats and bytes."""

import hashlib
from collections.abc import Iterable

from components.example_gen.formats.file_format import format_of
from components.example_gen.sources.file_bytes import sha256


def content_fingerprint(paths: list[str]) -> str:
    """Hex sha256 over formats and bytes of the files; their names, places, times and order do not count.

    Raises:
      InputError: one of them cannot be read.
    """
    return combined(file_fingerprint(path) for path in paths)


def combined(fingerprints: Iterable[str]) -> str:
    """The fingerprint of several files by those of each; their order does not count."""
    return hashlib.sha256("\n".join(sorted(fingerprints)).encode()).hexdigest()


def file_fingerprint(path: str) -> str:
    """Format and sha256 of one file.

    Raises:
      InputError: it cannot be read.
    """
    return with_format(path, sha256(path))


def with_format(path: str, digest: str) -> str:
    """The fingerprint of the file at `path` by the sha256 of its bytes."""
    return f"{format_of(path)} {digest}"
