"""Packed files: unpacked by their bytes, every member of them, or refused."""

import bz2
import gzip
import lzma
import os

import pytest
from read_files import ROWS, TABLE, read, taken

from components.errors import InputError

PACKERS = [gzip.compress, bz2.compress, lzma.compress]


@pytest.mark.parametrize("pack", [bytes, *PACKERS])
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.csv.bz2", "a.csv.xz"])
def test_packed_or_not_the_bytes_decide_and_not_the_name(written, name, pack):
    assert taken(written(name, pack(TABLE))) == ROWS


def test_two_packed_members_are_one_file(written):
    assert taken(written("a.csv.gz", gzip.compress(TABLE[:15]) + gzip.compress(TABLE[15:]))) == ROWS


@pytest.mark.parametrize("pack", PACKERS)
def test_packed_bytes_that_break_off_are_an_error(written, pack):
    content = pack(TABLE + os.urandom(2_000).hex().encode())
    with pytest.raises(InputError, match=r"a\.csv is damaged \(.*\); write or copy it again"):
        read(written("a.csv", content[:-40]))


@pytest.mark.parametrize("pack", PACKERS)
def test_members_are_all_read_or_the_file_is_refused(written, pack):
    """Python's own readers of bz2 and xz take what follows the first member for the end."""
    one, two = pack(TABLE[:15]), pack(TABLE[15:])
    for whole in (one + two, one + bytes(16) + two, one + two + bytes(7)):
        assert taken(written("a.csv", whole)) == ROWS
    for broken in (one + b"x" + two[1:], one + two[:-5], one + two[:3], one + two + b"garbage"):
        with pytest.raises(InputError, match=r"a\.csv is damaged \(.*\); write or copy it again"):
            read(written("a.csv", broken))
