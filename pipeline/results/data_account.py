"""The account of a run's data, as consoles, JSON, pages and the verdict's notes show it: the row counts of a
run or command, and the warnings of the data check.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from components.example_gen.reading import READING_FILE, Reading
from pipeline.lineage.runs import Run
from serving.storage.files import join
from serving.storage.resolve import files_for

_FIRST_SHOWN = 3
_LABELS_SHOWN = 5


def data_account(run: Run) -> dict[str, Any] | None:
    """The counts of the rows (see `Reading.account`); None if the run has read none."""
    if run.examples is None:
        return None
    path = join(run.examples.uri, READING_FILE)
    files = files_for(path)
    return Reading.from_json(files.read(path).decode()).account() if files.exists(path) else None


def check_warnings(run: Run) -> list[str]:
    """The warnings of the run's data check, a line each."""
    verdict = run.output("DataCheck", "verdict")
    if verdict is None:
        return []
    return list(json.loads(files_for(verdict.uri).read(verdict.uri)).get("warnings", ()))


def in_words(account: Mapping[str, Any], *, used: str = "used", limit: str = "data.limit") -> str:
    """The counts in one line.

    Args:
      account: see `Reading.account`.
      used: the word for the rows that are not left out.
      limit: the setting that limits how many are used.

    >>> in_words({"rows": 9, "used": 7, "duplicates": 2, "set_aside": 0, "left_out": {"bad label": 2}})
    '9 rows read, 7 used (2 of them duplicates), 2 left out (2 bad label)'
    """
    duplicates, left_out = account.get("duplicates"), account["left_out"]
    used = f"{account['used']:,} {used}" + (f" ({duplicates:,} of them duplicates)" if duplicates else "")
    parts = [f"{account['rows']:,} rows read", used]
    if set_aside := account.get("set_aside"):
        parts.append(f"{set_aside:,} excluded as copies of the base, a newer span or a fixed split")
    if beyond := account.get("beyond_limit"):
        parts.append(f"{beyond:,} beyond {limit}")
    if left_out:
        parts.append(f"{sum(left_out.values()):,} left out ({reasons_of(account)})")
    return ", ".join(parts)


def lines_of(account: Mapping[str, Any] | None) -> list[str]:
    """The account below the words of a result: one line, and one of each of the first rows left out."""
    if not account:
        return []
    return [f"  {in_words(account)}", *(f"    {row}" for row in first_left_out(account))]


def first_left_out(account: Mapping[str, Any]) -> Iterator[str]:
    """File, line and reason of the first rows that were left out, and how many more there are.

    >>> list(first_left_out({"left_out": {"no text": 2}, "first_left_out": ["a.csv:2: no text"]}))
    ['a.csv:2: no text', '1 more row']
    """
    yield from account["first_left_out"]
    if more := sum(account["left_out"].values()) - len(account["first_left_out"]):
        yield f"{more:,} more row" + ("s" if more > 1 else "")


def reasons_of(account: Mapping[str, Any]) -> str:
    """Why rows were left out; of those that `data.labels` leaves out, which labels they have.

    >>> reasons_of({"left_out": {"no text": 1, "label not in data.labels": 9}, "left_out_labels": {"3": 9}})
    '1 no text, 9 label not in data.labels: 9 labeled 3'
    """
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in account["left_out"].items())
    labels = list((account.get("left_out_labels") or {}).items())
    if not labels:
        return reasons
    shown = " and ".join(f"{count:,} labeled {label}" for label, count in labels[:_LABELS_SHOWN])
    more = len(labels) - _LABELS_SHOWN
    return f"{reasons}: {shown}" + (f" and {more:,} more labels" if more > 0 else "")


def notes(account: Mapping[str, Any] | None) -> Iterator[str]:
    """Notes for readers of the figures: rows that were left out, and the first of them."""
    if not account or not account["left_out"]:
        return
    left_out = sum(account["left_out"].values())
    first = "; ".join(account["first_left_out"][:_FIRST_SHOWN])
    rows = account["rows"]
    told = f"{left_out:,} of {rows:,} rows ({left_out / rows:.1%}) were left out: {reasons_of(account)}"
    yield f"{told}. The first: {first}"
