"""Asking: what the live model makes of a span or of served traffic, found out by another process."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.errors import GreenlightError
from pipeline.retraining.children import Child
from pipeline.retraining.policy.records import Examination, SpanContent
from serving.machine import scratch

if TYPE_CHECKING:
    from pipeline.config import Settings

MODULE = "pipeline.retraining.measuring"
STOP_SECONDS = 5.0


class MeasuringFailed(GreenlightError):
    """The live model could not be asked."""


class LiveModel:
    """The live model, asked in a process that ends when it has answered.

    Both methods raise MeasuringFailed where it cannot be asked.
    """

    def __init__(self, settings: Settings, *, stop: threading.Event) -> None:
        self._settings = settings
        self._stop = stop

    def span(self, key: SpanContent, *, live: int | None) -> Examination | None:
        """The span through the eyes of the version `live`; None where another is live by now, or we are told
        to stop.
        """
        told = self._ask("span", str(key.number))
        if told is None:
            return None
        if "problem" in told:
            return Examination(span=key, problem=told["problem"], live=live)
        return Examination(span=key, **told) if told["live"] == live else None

    def served(self) -> dict[str, Any] | None:
        """What `greenlight drift` says of served traffic; None where we are told to stop."""
        return self._ask("served")

    def _ask(self, *what: str) -> dict[str, Any] | None:
        from pipeline.config import to_toml
        from pipeline.settings.alerts import AlertSettings

        told_to_measure = self._settings.model_copy(update={"alerts": AlertSettings()})
        with scratch.folder("measuring") as folder:
            file = folder / "settings.toml"
            file.write_text(to_toml(told_to_measure), encoding="utf-8")
            child, code = self._run(file, what)
            if code < 0 and not self._stop.is_set():
                child, code = self._run(file, what)
            if self._stop.is_set():
                return None
            if code < 0:
                raise MeasuringFailed(
                    "The live model could not be asked: the process that measures was ended twice, by "
                    f"{signal.Signals(-code).name}. The machine may lack memory: free some, and try again."
                )
            if code > 0:
                raise MeasuringFailed(child.last_words() or f"measuring ended with {code}")
            answer = json.loads(child.output())
        assert isinstance(answer, dict)
        return answer

    def _run(self, file: Path, what: Sequence[str]) -> tuple[Child, int]:
        child = Child(MODULE, [str(file), *what], folder=file.parent, ends_with_us=True)
        return child, child.wait(self._stop, stop_seconds=STOP_SECONDS)
