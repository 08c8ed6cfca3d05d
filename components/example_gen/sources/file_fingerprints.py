"""Fingerprints of files: hashes of their formats and bytes for cache keys."""

import hashlib
from collections.abc import Iterable

from components.example_gen.formats.file_format import format_of
from components.example_gen.sources.file_bytes import sha256


def content_fingerprint(paths: list[str]) -> str:
    """Hex sha256 of the formats and bytes of files; independent of names, locations, times and order.

    Raises:
      InputError: one of them cannot be read.
    """
    return combined(file_fingerprint(path) for path in paths)


def combined(fingerprints: Iterable[str]) -> str:
    """The fingerprint of several files from those of each; independent of their order."""
    return hashlib.sha256("\n".join(sorted(fingerprints)).encode()).hexdigest()


def file_fingerprint(path: str) -> str:
    """The fingerprint of one file: its format and sha256.

    Raises:
      InputError: it cannot be read.
    """
    return with_format(path, sha256(path))


def with_format(path: str, digest: str) -> str:
    """The fingerprint of the file at `path` from the sha256 of its bytes."""
    return f"{format_of(path)} {digest}"
