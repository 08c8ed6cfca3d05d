"""The client of the live model: asks it about a span or served traffic in a separate process."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.errors import DataStopped, GreenlightError, InputError
from components.example_gen.sources.preflight import require_source
from pipeline.retraining import measuring
from pipeline.retraining.child_process import Child
from pipeline.retraining.policy.records import Examination, SpanContent
from serving.machine import scratch

if TYPE_CHECKING:
    from pipeline.config import Settings

MODULE = "pipeline.retraining.measuring"
STOP_SECONDS = 5.0


class MeasuringFailed(GreenlightError):
    """The process that measures the live model failed."""


class LiveModel:
    """The live model; each call starts a process that loads the model and exits with the result.

    Both methods raise MeasuringFailed if that process fails; `span` raises InputError if the system cannot
    read a file. Neither says anything about the span.
    """

    def __init__(self, settings: Settings, *, stop: threading.Event) -> None:
        self._settings = settings
        self._stop = stop

    def span(self, key: SpanContent, *, live: int | None) -> Examination | None:
        """Measures a span with the version `live`.

        Returns:
          None if another version is live by now, or `stop` is set.
        """
        if problem := self._problem(key.number):
            return Examination(span=key, problem=problem, live=live)
        answer = self._ask("span", str(key.number))
        if answer is None:
            return None
        if "problem" in answer:
            return Examination(span=key, problem=answer["problem"], live=live)
        return Examination(span=key, **answer) if answer["live"] == live else None

    def served(self) -> dict[str, Any] | None:
        """Compares served traffic as `greenlight drift` does; None if `stop` is set."""
        return self._ask("served")

    def _problem(self, number: int) -> str | None:
        """Why a run could not use a span, if its first rows show that; then no model is needed."""
        from pipeline.spans.listing import span_data

        data = span_data(self._settings)
        if data.learns_classes:  # the process that loads the model learns its classes, and reads all rows
            return None
        try:
            require_source(measuring.only_span(data, number))
        except (InputError, DataStopped) as error:
            if measuring.is_transient(error):
                raise
            return str(error)
        return None

    def _ask(self, *what: str) -> dict[str, Any] | None:
        from pipeline.config import to_toml
        from pipeline.settings.alerts import AlertSettings

        settings = self._settings.model_copy(update={"alerts": AlertSettings()})
        with scratch.folder("measuring") as folder:
            file = folder / "settings.toml"
            file.write_text(to_toml(settings), encoding="utf-8")
            child, code = self._run(file, what)
            if code < 0 and not self._stop.is_set():
                child, code = self._run(file, what)
            if self._stop.is_set():
                return None
            if code < 0:
                raise MeasuringFailed(
                    "The live model could not be measured: its process was ended twice, by "
                    f"{signal.Signals(-code).name}. The machine may lack memory: free some, and try again."
                )
            if code > 0:
                raise MeasuringFailed(child.error_output() or f"measuring ended with {code}")
            answer = json.loads(child.output())
        assert isinstance(answer, dict)
        return answer

    def _run(self, file: Path, what: Sequence[str]) -> tuple[Child, int]:
        child = Child(MODULE, [str(file), *what], folder=file.parent, ends_with_parent=True)
        return child, child.wait(self._stop, stop_seconds=STOP_SECONDS)
