"""A simulation of twenty weeks of retraining: the decision on each span, and the live model's accuracy.

    python -m benchmarks.retraining
    python -m benchmarks.retraining --chart retraining.svg --keep DIR

Real `greenlight retrain`, a fresh process each week with a clock that the simulation sets, and real small
pipelines. Beside it, the same spans and settings without retrain: a model that is never trained again, and
one that is trained again on every span that can be read and promoted whatever it is worth. In week 14 the
power fails in the middle of training (kill -9), from week 10 to 11 the clock is a month behind.

Ends with 1 unless the gated model ends ahead of both, no model that saw a poisoned label was ever live, and
every good span was run to its verdict exactly once.
"""

import datetime
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.figures import described, machine, table
from benchmarks.processes import CHECKOUT, GREENLIGHT
from benchmarks.retraining.simulated_spans import MALFORMED, POISONED, Plan, World, world

SETTINGS = {
    "embedding.vocabulary_size": 10_000,
    "trainer.epochs": 8,
    "trainer.batch_size": 64,
    "gate.min_accuracy": 0.6,
    "gate.min_change": -0.01,
}
NO_GATE = {
    "gate.min_accuracy": 0,
    "gate.min_change": "off",
    "gate.min_change_base": "off",
    "gate.min_change_newest": "off",
    "gate.min_accuracy_newest": "off",
}
UNREADABLE = ("malformed", "empty")
CONCLUDED = ("promoted", "unchanged", "refused", "stopped")
AFTER_A_CRASH = datetime.timedelta(hours=1)
LONGEST_SECONDS = 3600
"""Of one command, far above what it takes: on a busy machine a run of half a minute has taken nine."""


@dataclass
class Week:
    """What came of one span: the decisions in words, and the version that is live in each workspace."""

    plan: Plan
    decided: list[str] = field(default_factory=list)
    live: dict[str, int | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Simulation:
    """The folders of one simulation: spans, and a workspace for each way to go about them."""

    folder: Path
    world: World

    @property
    def spans(self) -> Path:
        return self.folder / "spans"

    def workspace(self, name: str) -> Path:
        return self.folder / name

    def run(self) -> list[Week]:
        """All weeks. The two workspaces share the machine, not their files."""
        weeks = []
        with ThreadPoolExecutor(1) as beside:
            for plan in self.world.plans:
                plan.land(self.spans)
                ungated = beside.submit(self._train_whatever_comes, plan)
                week = Week(plan, decided=self._retrain(plan))
                ungated.result()
                week.live = {name: self._live(name) for name in ("gated", "always")}
                print_week(week)
                weeks.append(week)
        return weeks

    def _retrain(self, plan: Plan) -> list[str]:
        """Decides until there is nothing left to do, as a watcher would."""
        clock, lines = plan.clock, []
        if plan.kind == "crash":
            lines, clock = [self._crash(self._retrain_command(clock))], clock + AFTER_A_CRASH
        while True:
            answer = self._greenlight(*self._retrain_command(clock))
            lines += told(answer)
            if answer["decision"]["kind"] != "run":
                return lines

    def _retrain_command(self, clock: datetime.datetime) -> list[str]:
        return ["retrain", *self._options("gated"), "--now", clock.isoformat(), "--json"]

    def _train_whatever_comes(self, plan: Plan) -> None:
        """Without a look at it, and without a gate; only what cannot be read at all is left out."""
        if plan.kind in UNREADABLE:
            return
        unreadable = [one.number for one in self.world.plans[: plan.number] if one.kind in UNREADABLE]
        options = self._options(
            "always", NO_GATE | {"data.span": plan.number, "data.without_spans": unreadable}
        )
        self._greenlight("run", *options, "--json")

    def _options(self, name: str, more: dict[str, Any] | None = None) -> list[str]:
        source = f"files:{self.spans}/span-{{SPAN}}/*.csv"
        given = {"data.source": source, "retrain.settle_seconds": 0, **SETTINGS, **(more or {})}
        sets = [option for key, value in given.items() for option in ("--set", f"{key}={value}")]
        return ["--workspace", str(self.workspace(name)), *sets]

    def _greenlight(self, *arguments: str) -> dict[str, Any]:
        done = subprocess.run(
            [*GREENLIGHT, *arguments], cwd=CHECKOUT, capture_output=True, text=True, timeout=LONGEST_SECONDS
        )
        if not done.stdout.strip():
            raise RuntimeError(f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}")
        return json.loads(done.stdout)

    def _crash(self, command: Sequence[str]) -> str:
        """Starts a retraining, and kills it and its run with -9 while the model is being fitted."""
        log = threading.Event()
        process = subprocess.Popen([*GREENLIGHT, *command], cwd=CHECKOUT, stdout=subprocess.DEVNULL)
        before = set(self.workspace("gated").glob("runs/*"))
        deadline = time.monotonic() + LONGEST_SECONDS
        while not (fitting := self._fitting(before)) and time.monotonic() < deadline:
            log.wait(0.1)
        killed = _descendants(process.pid)
        for pid in (process.pid, *killed):
            os.kill(pid, signal.SIGKILL)
        process.wait()
        return f"killed with -9, and its run, while {'fitting' if fitting else 'waiting'}"

    def _fitting(self, before: set[Path]) -> bool:
        new = set(self.workspace("gated").glob("runs/*")) - before
        logs = (path / "run.log" for path in new)
        return any("Trainer" in log.read_text(errors="replace") for log in logs if log.is_file())

    def _live(self, name: str) -> int | None:
        answer = self._greenlight("versions", "--workspace", str(self.workspace(name)), "--json")
        return answer.get("live")


def _descendants(pid: int) -> list[int]:
    import psutil

    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def told(answer: dict[str, Any]) -> list[str]:
    """The decisions of one `greenlight retrain --json`, a line each."""
    lines = []
    for one in [*answer["before"], answer["decision"]]:
        ended = one["ended"]
        if ended is None and one["kind"] != "nothing":
            lines.append(f"{one['kind']}: {one['why']}")
        elif ended is not None:
            lines.append(f"{ended['verdict']}: {'; '.join(ended['reasons']) or one['why']}")
    return lines


def print_week(week: Week) -> None:
    lines = week.decided or ["nothing"]
    head = f"span {week.plan.number:>2} {week.plan.kind:<10} clock {week.plan.clock:%Y-%m-%d}"
    print(f"{head}  {lines[0]}", *(f"{'':<37}  {line}" for line in lines[1:]), sep="\n", flush=True)


def accuracies(simulation: Simulation, weeks: Sequence[Week]) -> list[dict[str, float]]:
    """Per week, how often each way's live model is right on held-out reviews of the kind that comes then."""
    from components.drift.features import FeatureModel

    found: dict[tuple[str, int], tuple[float, float]] = {}

    def measured(name: str, version: int) -> tuple[float, float]:
        if (name, version) not in found:
            model = FeatureModel(
                str(simulation.workspace(name) / "serving" / "imdb_sentiment" / str(version))
            )
            found[name, version] = (
                _accuracy(model.probability, simulation.world.before),
                _accuracy(model.probability, simulation.world.after),
            )
        return found[name, version]

    table = []
    for week in weeks:
        versions = {
            "gated": week.live["gated"],
            "always": week.live["always"],
            "never": weeks[0].live["gated"],
        }
        folder = {"never": "gated"}
        table.append(
            {
                name: measured(folder.get(name, name), version)[week.plan.drifted]
                for name, version in versions.items()
                if version is not None
            }
        )
    return table


def _accuracy(probability: Callable[[Sequence[str]], Any], rows: Sequence[tuple[str, int]]) -> float:
    import numpy as np

    said = probability([text for text, _ in rows]) >= 0.5
    return float((said == np.asarray([label == 1 for _, label in rows])).mean())


def failings(
    simulation: Simulation, weeks: Sequence[Week], accuracy: Sequence[dict[str, float]]
) -> list[str]:
    """What the simulation was to prove and did not."""
    wrong = []
    last = accuracy[-1]
    for other in ("never", "always"):
        if last["gated"] <= last[other]:
            wrong.append(f"the gated model ends at {last['gated']:.4f}, {other} at {last[other]:.4f}")
    verdicts = concluded(simulation.workspace("gated") / "retraining" / "journal.jsonl")
    for week in weeks:
        expected = 1 if week.plan.is_good else 0
        if verdicts[week.plan.number] != expected:
            wrong.append(f"span {week.plan.number} came to {verdicts[week.plan.number]} verdicts")
    wrong += [f"version {version} has seen poisoned labels" for version in poisoned_versions(simulation)]
    return wrong


def concluded(journal: Path) -> Counter[int]:
    """How many runs that came to a verdict had each span as theirs."""
    records = [json.loads(line) for line in journal.read_text().splitlines()]
    covers = {
        one["run"]: one["decision"]["covers"] for one in records if one["kind"] == "decided" and one["run"]
    }
    ended = [one["run"] for one in records if one["kind"] == "ended" and one["verdict"] in CONCLUDED]
    return Counter(number for run in ended for number, _ in covers[run])


def poisoned_versions(simulation: Simulation) -> list[int]:
    """The versions that were ever live and whose run read the poisoned span, by the lineage store."""
    from pipeline.lineage.runs import read_run
    from pipeline.lineage.span_usage import spans_of
    from pipeline.workspace.layout import Workspace
    from serving.versions import VersionStore

    workspace = simulation.workspace("gated")
    found = []
    for version in VersionStore(workspace / "serving" / "imdb_sentiment").versions():
        assert version.manifest is not None
        used = spans_of(read_run(Workspace.at(workspace).metadata, version.manifest.facts.run_id))
        if used is None or POISONED in used.fingerprints or MALFORMED in used.fingerprints:
            found.append(version.number)
    return found


def result_table(weeks: Sequence[Week], accuracy: Sequence[dict[str, float]]) -> str:
    rows = [
        (
            str(week.plan.number),
            week.plan.kind,
            ", then ".join(line.partition(":")[0] for line in week.decided),
            str(week.live["gated"]),
            *(f"{figures[name]:.4f}" for name in ("gated", "never", "always")),
        )
        for week, figures in zip(weeks, accuracy, strict=True)
    ]
    header = ("span", "what came", "decided", "live", "gated", "never again", "always, no gate")
    return table(header, rows)


def main() -> int:
    parser = described(__doc__)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep everything there; must not exist")
    parser.add_argument("--chart", type=Path, metavar="FILE", help="draw the accuracies as SVG")
    parser.add_argument(
        "--first-rows", type=int, default=3000, help="reviews of the first span (%(default)s)"
    )
    parser.add_argument("--rows", type=int, default=330, help="reviews of the other spans (%(default)s)")
    parser.add_argument("--poisoned", type=int, default=1300, help="of the poisoned one (%(default)s)")
    parser.add_argument("--held-out", type=int, default=3000, help="of each kind (%(default)s)")
    given = parser.parse_args()
    os.environ.update(TF_USE_LEGACY_KERAS="1", TF_CPP_MIN_LOG_LEVEL="3")  # for asking the models at the end
    made = world(
        first_rows=given.first_rows,
        span_rows=given.rows,
        poisoned_rows=given.poisoned,
        held_out=given.held_out,
    )
    folder = given.keep or Path(tempfile.mkdtemp(prefix="greenlight-retraining-"))
    print(machine(), flush=True)
    started = time.monotonic()
    try:
        simulation = Simulation(folder.absolute(), made)
        weeks = simulation.run()
        if weeks[0].live["gated"] is None:
            raise SystemExit("Span 1 was not promoted: there is no model to compare the others with.")
        accuracy = accuracies(simulation, weeks)
        print(f"\nAccuracy of the live model on {given.held_out:,} held-out reviews of the kind that comes:")
        print(result_table(weeks, accuracy))
        if given.chart:
            from benchmarks.retraining.chart import draw

            draw(given.chart, accuracy, [week.plan for week in weeks])
        wrong = failings(simulation, weeks, accuracy)
    finally:
        if not given.keep:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"\n{time.monotonic() - started:.0f} s. " + ("; ".join(wrong) or "Everything holds."))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
