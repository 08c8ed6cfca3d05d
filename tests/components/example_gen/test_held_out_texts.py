"""Exclusion of rows whose text is in another part's fixed split."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from components.example_gen.beam_steps import ReadPart
from components.example_gen.formats.rows import Review
from components.example_gen.splits import Splitter


@dataclass(frozen=True)
class TwoReviews:
    """A part of "fine" and "dull"."""

    held: tuple[str, ...]
    name: str = "two reviews"
    split: str | None = None
    span: int = 0

    def held_out(self) -> tuple[str, ...]:
        return self.held

    def rows(self) -> Iterator[Review]:
        yield Review(1, "fine", 1)
        yield Review(2, "dull", 0)


@pytest.mark.parametrize("held", [("fine",), ("\udcff not UTF-8", "fine")])
def test_a_held_out_text_is_excluded_also_after_one_that_no_row_can_have(held):
    reading_part = ReadPart(splitter=Splitter((("train", 1),)), salt="s", limit=None)
    batch, account = reading_part.process(TwoReviews(held))
    assert [b"dull" in row.example for row in batch] == [True]
    assert (account.value.taken, account.value.set_aside) == (1, 1)
