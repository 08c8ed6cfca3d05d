"""Errors of the version store reach the person as what they are: the machine's, the user's, or neither."""

import errno

import pytest

from components.errors import GreenlightError, InputError, MachineFault, machine_fault_of
from components.store_errors import as_greenlight_errors
from serving.errors import StoreBusy, StoreError, StoreInputError, as_store_error


def raised(error: Exception) -> GreenlightError:
    with pytest.raises(GreenlightError) as caught, as_greenlight_errors():
        raise error
    return caught.value


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EACCES])
def test_what_keeps_a_push_from_being_written_is_the_machine_s_fault(number, tmp_path):
    with (
        pytest.raises(MachineFault) as caught,
        as_greenlight_errors(),
        as_store_error("push to STORE", str(tmp_path)),
    ):
        raise OSError(number, "x")
    assert str(caught.value).startswith("could not push to STORE: x. ")
    assert machine_fault_of(caught.value) is None, "the remedy is there once"


def test_a_lock_that_another_process_holds_is_the_machine_s_fault():
    assert type(raised(StoreBusy("another writer holds the lock"))) is MachineFault


def test_what_was_asked_wrongly_is_the_user_s():
    assert type(raised(StoreInputError("there is no version 7"))) is InputError


def test_a_damaged_version_is_neither():
    assert type(raised(StoreError("version 3: its manifest does not match"))) is GreenlightError
