"""Errors of the version store, as errors of Greenlight."""

from collections.abc import Iterator
from contextlib import contextmanager

from components.errors import GreenlightError, InputError
from serving.errors import StoreError


@contextmanager
def as_greenlight_errors() -> Iterator[None]:
    """Raise a StoreError inside as the GreenlightError with its text and exit code."""
    try:
        yield
    except StoreError as error:
        kind = InputError if error.exit_code == InputError.exit_code else GreenlightError
        raise kind(str(error)) from error
