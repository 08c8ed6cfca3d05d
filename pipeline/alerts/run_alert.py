"""The alert for a run that ended; `send` is for one that a person started (alerts.plain_runs)."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pipeline.alerts.alert import Alert
from pipeline.alerts.outbox import Outbox
from pipeline.results.summary import headline
from pipeline.settings.alerts import EventName
from pipeline.workspace.layout import Workspace

if TYPE_CHECKING:
    from pipeline.config import Settings
    from pipeline.results.outcome import RunResult

EVENTS: Mapping[str, EventName] = {
    "promoted": "promoted",
    "refused": "refused",
    "stopped": "stopped",
    "failed": "failed",
}
"""The event of each verdict; an unchanged model is not an event."""


def of(result: RunResult, *, model: str, workspace: str) -> Alert | None:
    """The alert of a finished run; None if its verdict is not an event.

    Args:
      model: the model's name, the first word of the title.
      workspace: where the run's results are.
    """
    event = EVENTS.get(result.verdict)
    if event is None:
        return None
    return Alert(
        id=f"{result.run}-{event}",
        event=event,
        at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        title=f"{model}: {event}, {headline(result)}",
        model=model,
        workspace=workspace,
        run=result.run,
        version=result.version,
        reasons=tuple(result.reasons) or tuple(filter(None, [result.error])),
        metrics=result.metrics,
        report=result.report,
    )


def send(result: RunResult, settings: Settings) -> None:
    """Sends the alert of a finished run, and waits for its delivery for up to alerts.linger_seconds.

    Raises:
      GreenlightError: the alert cannot be written to the disk.
    """
    workspace = Workspace.of(settings)
    alert = of(result, model=settings.model_name, workspace=str(workspace.root))
    if alert is None:
        return
    outbox = Outbox(settings.alerts, workspace.root / "alerts")
    with outbox.delivering():
        outbox.send(alert)
