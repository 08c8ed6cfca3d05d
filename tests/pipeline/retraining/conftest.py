"""A workspace whose runs are small scripts: everything around them is real, processes and locks too."""

import dataclasses
import datetime
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from waiting import until

from pipeline.alerts.outbox import Outbox
from pipeline.config import Settings, load
from pipeline.retraining import attempts, observer
from pipeline.retraining.child_process import Child
from pipeline.retraining.loop import Stop
from pipeline.retraining.notifier import Notifier
from pipeline.retraining.paths import Paths
from pipeline.retraining.policy.clock import Timestamp, simulated
from pipeline.retraining.policy.records import Examination, SpanContent
from pipeline.retraining.retrainer import Retrainer
from pipeline.workspace.layout import Workspace

STAND_IN = """
import json, os, pathlib, signal, sys, threading
workspace, run_id, plan = pathlib.Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
(workspace / "runs" / run_id).mkdir(parents=True)
(workspace / "started").open("a").write(run_id + "\\n")
if plan.get("hangs"):
    if plan["hangs"] == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
    (workspace / "hanging").touch()
    gate = workspace / "go on"
    while not gate.exists():
        threading.Event().wait(0.01)
if plan.get("dies"):
    os.kill(os.getpid(), signal.SIGKILL)
if plan.get("prints"):  # as a run does whose result the disk did not take
    print(json.dumps(plan["prints"]))
    sys.exit(plan["code"])
if "verdict" in plan:
    from pipeline.results.outcome import RunResult
    reasons = tuple(plan.get("reasons", ()))
    gate = plan.get("gate", ())
    known = {name: plan[name] for name in ("error_kind", "machine_fault", "data") if name in plan}
    version = plan.get("version", "1")
    result = RunResult(
        verdict=plan["verdict"], run=run_id, version=version, reasons=reasons, gate=gate, **known
    )
    result.save(workspace / "runs" / run_id / "result.json")
print(json.dumps({"error": plan.get("error")}))
sys.exit(plan.get("code", 0))
"""
"""What stands in for a run: it notes that it started, and does what the plan says."""


@dataclasses.dataclass
class Bench:
    """One workspace, what is to come of its runs, and the clock."""

    folder: Path
    settings: Settings
    plan: dict = dataclasses.field(default_factory=lambda: {"verdict": "refused"})
    live: tuple[int | None, int | None] = (None, None)
    accuracy: dict[int, dict] = dataclasses.field(default_factory=dict)
    at: datetime.datetime = datetime.datetime(2026, 3, 2, 3, tzinfo=datetime.UTC)
    said: list[str] = dataclasses.field(default_factory=list)
    stop: Stop = dataclasses.field(default_factory=Stop)

    @property
    def paths(self) -> Paths:
        return Paths(Workspace.at(self.settings.workspace))

    def land(self, number: int, text: str = "text,label\na fine film,1\n") -> None:
        """Puts a span there that is old enough to be settled."""
        file = self.folder / "spans" / f"span-{number}" / "reviews.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        os.utime(file, (1, 1 + number + len(text)))

    def retrainer(self, **given) -> Retrainer:
        """As a fresh process would have it."""
        self.paths.folder.mkdir(parents=True, exist_ok=True)
        outbox = Outbox(self.settings.alerts, self.paths.workspace.root / "alerts")
        notifier = Notifier(
            model="imdb", paths=self.paths, outbox=outbox, say=self.said.append, live=lambda: self.live[0]
        )
        return Retrainer(
            self.settings, self.paths, clock=self.now, stop=self.stop, notifier=notifier, **given
        )

    def now(self) -> Timestamp:
        return simulated(self.at)

    def later(self, **distance: float) -> None:
        self.at += datetime.timedelta(**distance)

    def started(self) -> list[str]:
        """The runs that ever began to work."""
        noted = self.settings.workspace / "started"
        return noted.read_text().splitlines() if noted.exists() else []

    def journal(self) -> list[dict]:
        lines = self.paths.journal.read_text().splitlines()
        return [json.loads(line) for line in lines if line.strip()]

    def alerts(self) -> list[dict]:
        log = self.settings.workspace / "alerts" / "log.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def wait_for(self, name: str) -> None:
        """Until a stand-in has left the file."""
        until((self.settings.workspace / name).exists)


@pytest.fixture
def bench(tmp_path, monkeypatch) -> Callable[..., Bench]:
    """Makes the bench with further settings: `bench("retrain.runs_per_day=2")`."""
    (tmp_path / "stand_in_run.py").write_text(STAND_IN)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def make(*assignments: str) -> Bench:
        source = f"data.source=files:{tmp_path}/spans/span-{{SPAN}}/*.csv"
        workspace = tmp_path / "workspace"
        made = Bench(tmp_path, load(assignments=[f"workspace={workspace}", source, *assignments]))
        workspace.mkdir(exist_ok=True)

        def start(settings: Settings, run_id: str, paths: Paths) -> Child:
            arguments = [str(paths.workspace.root), run_id, json.dumps(made.plan)]
            made.run_settings = settings
            return Child("stand_in_run", arguments, folder=paths.run(run_id))

        def examine(_, key: SpanContent, *, live: int | None) -> Examination:
            given = {"rows": 400, "accuracy": 0.9 if live else None} | made.accuracy.get(key.number, {})
            return Examination(span=key, live=live, previous=made.live[1], **given)

        monkeypatch.setattr(attempts, "start", start)
        monkeypatch.setattr(observer, "live_and_previous", lambda *_: made.live)
        monkeypatch.setattr("pipeline.retraining.model_client.LiveModel.span", examine)
        return made

    return make
