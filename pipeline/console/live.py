"""The live list of stages on a terminal."""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from types import TracebackType
from typing import Any, Self, TextIO

from rich.console import Console as RichConsole
from rich.console import Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from pipeline.console.plain import STAGES, Console, duration, first_line
from pipeline.results.outcome import RunResult
from pipeline.results.summary import summarize


@dataclasses.dataclass
class _Row:
    """A stage on the list. `mark` is empty while it runs."""

    name: str
    started: float
    mark: str = ""
    time: str = ""
    detail: str = ""

    @property
    def running(self) -> bool:
        return not self.mark


class LiveConsole(Console):
    """A list of stages on the terminal, updated in place (rich)."""

    def __init__(self, stream: TextIO):
        self._rich = RichConsole(file=stream, width=_width(stream), highlight=False)
        self._spinner = Spinner("dots", style="cyan")
        self._rows: dict[str, _Row] = {}
        self._notes: list[str] = []
        self._lock = threading.Lock()
        self._over = False
        self._live = Live(
            get_renderable=self._render, console=self._rich, refresh_per_second=8,
            redirect_stdout=False, redirect_stderr=False, vertical_overflow="visible",
        )  # fmt: skip

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def stage_started(self, name: str) -> None:
        with self._lock:
            self._rows[name] = _Row(name, time.monotonic())

    def stage_finished(self, name: str, seconds: float, cached: bool) -> None:
        mark, took = ("[dim]↺[/]", "cached") if cached else ("[green]✓[/]", duration(seconds))
        self._change(name, mark=mark, time=took)

    def stage_failed(self, name: str, seconds: float, message: str) -> None:
        self._change(name, mark="[red]✗[/]", time=duration(seconds), detail=first_line(message))

    def progress(self, name: str, text: str) -> None:
        self._change(name, detail=text)

    def note(self, text: str) -> None:
        with self._lock:
            self._notes.append(text)

    def finish(self, result: RunResult) -> None:
        self._stop()
        if result.verdict != "failed":
            self._rich.print()
            self._rich.print(summarize(result).as_rich(), crop=False, overflow="ignore")

    def _change(self, name: str, **changes: Any) -> None:
        with self._lock:
            row = self._rows.setdefault(name, _Row(name, time.monotonic()))
            self._rows[name] = dataclasses.replace(row, **changes)

    def _stop(self) -> None:
        self._over = True
        self._live.stop()

    def _render(self) -> RenderableType:
        """The current list; called by rich's own thread."""
        with self._lock:
            rows, notes = list(self._rows.values()), self._notes[-3:]
        idle = not self._over and not any(row.running for row in rows)
        remarks = Table.grid(padding=(0, 2, 0, 0))
        for number, note in enumerate(notes, start=1):
            remarks.add_row(self._spinner if idle and number == len(notes) else "·", note, style="dim")
        stages = Table.grid(padding=(0, 2, 0, 0), expand=True)  # with a ratio: only the details are cut
        stages.add_column(width=1)
        stages.add_column(no_wrap=True)
        stages.add_column(justify="right", no_wrap=True, min_width=12)
        stages.add_column(style="dim", no_wrap=True, overflow="ellipsis", ratio=1)
        for row in rows:
            stages.add_row(*self._cells(row))
        return Group(remarks, stages) if notes else stages

    def _cells(self, row: _Row) -> tuple[RenderableType, ...]:
        detail = row.detail or STAGES.get(row.name, "")
        if not row.running:
            return Text.from_markup(row.mark), Text(row.name), Text(row.time), Text(detail)
        mark = Text("✗", style="red") if self._over else self._spinner
        return (
            mark,
            Text(row.name, style="bold"),
            Text(duration(time.monotonic() - row.started)),
            Text(detail),
        )


def _width(stream: TextIO) -> int | None:
    """The width of the terminal if standard input, which rich asks for it, is not a terminal; else None."""
    try:
        os.get_terminal_size(0)
        return None
    except OSError:
        try:
            return os.get_terminal_size(stream.fileno()).columns
        except OSError:
            return None
