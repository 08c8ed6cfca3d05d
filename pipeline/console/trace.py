"""A trace in Chrome's JSON format, which ui.perfetto.dev, chrome://tracing and speedscope.app open."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any


class Trace:
    """Slices and marks on named tracks of named groups. Times are seconds of a clock; any thread may add."""

    def __init__(self, *, started: float):
        self._started = started
        self._events: list[dict[str, Any]] = []
        self._groups: dict[str, int] = {}
        self._tracks: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()

    def slice(self, group: str, track: str, name: str, *, begin: float, end: float, **details: Any) -> None:
        """Something that lasted. Slices of one track are to follow or to contain one another."""
        began, ended = self._microseconds(begin), self._microseconds(end)
        # Not the rounded difference: what follows at `end` might then begin before this one ends.
        self._add(group, track, name, ph="X", ts=began, dur=max(0, ended - began), args=details)

    def mark(self, group: str, track: str, name: str, *, at: float) -> None:
        """Something that happened."""
        self._add(group, track, name, ph="i", s="t", ts=self._microseconds(at))

    def write(self, path: Path) -> None:
        """Whole or not at all."""
        with self._lock:
            document = {"displayTimeUnit": "ms", "traceEvents": [*self._names(), *self._events]}
        draft = path.with_suffix(".tmp")
        draft.write_text(json.dumps(document), encoding="utf-8")
        os.replace(draft, path)

    def _add(self, group: str, track: str, name: str, **event: Any) -> None:
        with self._lock:
            pid = self._groups.setdefault(group, len(self._groups) + 1)
            tid = self._tracks.setdefault((group, track), len(self._tracks) + 1)
            self._events.append({"name": name, "pid": pid, "tid": tid, **event})

    def _names(self) -> list[dict[str, Any]]:
        groups = [
            {"ph": "M", "name": "process_name", "pid": pid, "args": {"name": group}}
            for group, pid in self._groups.items()
        ]
        tracks = [
            {
                "ph": "M",
                "name": "thread_name",
                "pid": self._groups[group],
                "tid": tid,
                "args": {"name": track},
            }
            for (group, track), tid in self._tracks.items()
        ]
        return groups + tracks

    def _microseconds(self, at: float) -> int:
        return round(1e6 * (at - self._started))
