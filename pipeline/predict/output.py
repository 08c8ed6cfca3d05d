"""The output of `greenlight predict`: a table on a terminal, JSON Lines for pipes, progress on stderr."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from pipeline.exit_codes import writing_output
from pipeline.predict.rows import Predicted

if TYPE_CHECKING:
    from rich.table import Table

    from serving.transports.calls import Prediction

_ROWS_IN_TABLE = 100
_PROGRESS_SECONDS = 1.0
_MOST_TEXT = 200
_GOOD_OR_BAD = {"positive": "green", "negative": "red"}
_COLORS = ("cyan", "magenta", "yellow", "blue")
"""Of classes that are neither good nor bad, in their order."""


class Output(Protocol):
    """Where predictions go."""

    def show(self, batch: Sequence[Predicted]) -> None:
        """Some more."""

    def end(self) -> None:
        """There are no more."""


def as_json(one: Predicted) -> dict[str, Any]:
    """A prediction for programs."""
    found = one.prediction
    return {
        "line": one.row.line,
        "text": one.row.text,
        "label": found.label,
        "probability": round(found.probability, 6),
        **_each_class(found),
        "version": found.version,
    }


def _each_class(found: Prediction) -> dict[str, dict[str, float]]:
    """The probability of each of more than two classes; of two, one number says it."""
    if len(found.probabilities) <= 2:
        return {}
    return {"probabilities": {name: round(value, 6) for name, value in found.probabilities.items()}}


class JsonLines:
    """A line of JSON a row, as soon as it is predicted."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def show(self, batch: Sequence[Predicted]) -> None:
        lines = [json.dumps(as_json(one), ensure_ascii=False) for one in batch]
        with writing_output():
            self._stream.write("\n".join(lines) + "\n")
            self._stream.flush()

    def end(self) -> None:
        """Nothing is left: each batch is written when it is shown."""


class TerminalTable:
    """One table of the first rows; the others are counted."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._rows: list[Predicted] = []
        self._counts: dict[str, int] = {}

    def show(self, batch: Sequence[Predicted]) -> None:
        self._rows += batch[: _ROWS_IN_TABLE - len(self._rows)]
        for one in batch:
            label = one.prediction.label
            self._counts[label] = self._counts.get(label, 0) + 1

    def end(self) -> None:
        from rich.console import Console

        console = Console(file=self._stream)
        console.print(_table(self._rows))
        total = sum(self._counts.values())
        if total > len(self._rows):
            counts = ", ".join(f"{count:,} {label}" for label, count in sorted(self._counts.items()))
            console.print(
                f"{total:,} texts: {counts}. The table has the first {len(self._rows)}; "
                "a pipe or a file gets all of them."
            )


def _table(rows: Sequence[Predicted]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("label")
    table.add_column(_heading(rows), justify="right")
    table.add_column("version", justify="right")
    table.add_column("text", overflow="fold")
    for one in rows:
        found = one.prediction
        text = one.row.text if len(one.row.text) <= _MOST_TEXT else one.row.text[: _MOST_TEXT - 1] + "…"
        table.add_row(
            Text(found.label, style=_color(found)),
            f"{found.probability:.4f}",
            str(found.version),
            Text(" ".join(text.split())),
        )
    return table


def _heading(rows: Sequence[Predicted]) -> str:
    """The column is that of the label's probability, or of the last of two classes: named unless usual."""
    names = list(rows[0].prediction.probabilities) if rows else []
    return (
        f"probability of {names[-1]}" if len(names) == 2 and names[-1] not in _GOOD_OR_BAD else "probability"
    )


def _color(found: Prediction) -> str:
    names = list(found.probabilities)
    other = _COLORS[names.index(found.label) % len(_COLORS)] if found.label in names else ""
    return _GOOD_OR_BAD.get(found.label, other)


class Progress:
    """How many rows are done, on standard error, about once a second; nothing for what takes less."""

    def __init__(self, stream: TextIO, *, verb: str = "predicted") -> None:
        self._stream = stream
        self._verb = verb
        self._told: float | None = None

    def report(self, rows: int) -> None:
        """`rows` are done so far; the first time starts the clock."""
        now = time.monotonic()
        if self._told is None:
            self._told = now
        elif now >= self._told + _PROGRESS_SECONDS:
            self._told = now
            self._stream.write(f"{rows:,} rows {self._verb}\n")
            self._stream.flush()
