"""Versions of installed packages, from their metadata: nothing is imported."""

from importlib import metadata

_OTHER_NAMES = {"tensorflow": "tensorflow-cpu"}
"""The same package without CUDA goes by a name of its own."""


def version_of(package: str) -> str | None:
    """The version of `package`, such as "2.16.2"; None where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        other = _OTHER_NAMES.get(package)
        return version_of(other) if other else None
