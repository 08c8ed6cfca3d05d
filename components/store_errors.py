"""The conversion of version store errors to Greenlight errors."""

from collections.abc import Iterator
from contextlib import contextmanager

from components.errors import GreenlightError, InputError, MachineFault
from serving.errors import StoreBusy, StoreError
from serving.machine import faults


@contextmanager
def as_greenlight_errors() -> Iterator[None]:
    """Raise a StoreError inside as the GreenlightError with its text and exit code."""
    try:
        yield
    except StoreError as error:
        if error.exit_code == InputError.exit_code:
            raise InputError(str(error)) from error
        machine = isinstance(error, StoreBusy) or faults.remedy_of(error) is not None
        raise (MachineFault if machine else GreenlightError)(str(error)) from error
