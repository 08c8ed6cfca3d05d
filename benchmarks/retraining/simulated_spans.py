"""Twenty weekly spans of labeled reviews with drift, flipped labels, broken files and empty ones.

Real reviews all: IMDB's at first, Rotten Tomatoes' snippets from span 8 on. No review is in two spans, and
those held out are in none.
"""

import csv
import datetime
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from components.example_gen.sources.packaged import IMDB, csv_path

SPANS = 20
DRIFT_FROM, MALFORMED, EMPTY, CRASH, POISONED = 8, 5, 11, 14, 17
CLOCK_SET_BACK, CLOCK_RIGHT_AGAIN = 10, 12
MONDAY = datetime.datetime(2026, 1, 5, 2, tzinfo=datetime.UTC)
"""When the first span comes. Europe's summer time begins with the thirteenth."""
WRONG_BY = datetime.timedelta(days=30)
SEED = 7

Row = tuple[str, int]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One span: what is in it, what is special about it, and what the clock shows when it comes."""

    number: int
    rows: Sequence[Row]
    kind: str
    clock: datetime.datetime

    @property
    def is_good(self) -> bool:
        return self.kind not in ("malformed", "empty", "poisoned")

    @property
    def drifted(self) -> bool:
        return self.number >= DRIFT_FROM

    def land(self, folder: Path) -> None:
        """Puts the span there, whole at once."""
        draft = folder / f".span-{self.number}"
        draft.mkdir(parents=True)
        with (draft / "reviews.csv").open("w", newline="", encoding="utf-8") as file:
            if self.kind == "malformed":
                file.write('id;stars\n1;"five\n2;one\n')
            else:
                writer = csv.writer(file)
                writer.writerow(("text", "label"))
                writer.writerows(self.rows)
        draft.rename(folder / f"span-{self.number}")


@dataclass(frozen=True, kw_only=True)
class World:
    """The spans, and the held-out reviews of before and after the drift."""

    plans: Sequence[Plan]
    before: Sequence[Row]
    after: Sequence[Row]


def world(*, first_rows: int, span_rows: int, poisoned_rows: int, held_out: int) -> World:
    """The same one every time.

    Raises:
      ValueError: there are not enough reviews for all that.
    """
    imdb, snippets = (_shuffled(rows) for rows in _real())
    before, imdb = imdb[:held_out], imdb[held_out:]
    after, snippets = snippets[:held_out], snippets[held_out:]
    plans = []
    sizes = {1: first_rows, POISONED: poisoned_rows}
    for number in range(1, SPANS + 1):
        source = snippets if number >= DRIFT_FROM else imdb
        count = sizes.get(number, span_rows)
        rows = source[:count]
        if len(rows) < count:
            raise ValueError(f"there are not enough reviews for {SPANS} spans of {span_rows} and {held_out}")
        del source[:count]
        kind = _kind(number)
        rows = [(text, 1 - label) for text, label in rows] if kind == "poisoned" else rows
        plans.append(
            Plan(number=number, rows=[] if kind == "empty" else rows, kind=kind, clock=_clock(number))
        )
    return World(plans=plans, before=before, after=after)


def _kind(number: int) -> str:
    special = {MALFORMED: "malformed", EMPTY: "empty", CRASH: "crash", POISONED: "poisoned"}
    return special.get(number, "drifted" if number >= DRIFT_FROM else "as before")


def _clock(number: int) -> datetime.datetime:
    true = MONDAY + datetime.timedelta(weeks=number - 1)
    return true - WRONG_BY if CLOCK_SET_BACK <= number < CLOCK_RIGHT_AGAIN else true


def _real() -> tuple[list[Row], list[Row]]:
    imdb: list[Row] = []
    snippets: list[Row] = []
    with csv_path().open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            (imdb if row["source"] == IMDB else snippets).append((row["text"], int(row["label"])))
    return imdb, snippets


def _shuffled(rows: list[Row]) -> list[Row]:
    return random.Random(SEED).sample(rows, len(rows))
