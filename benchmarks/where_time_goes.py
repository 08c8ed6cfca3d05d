"""The time of each stage of `greenlight run` beside its lower bound.

    python -m benchmarks.where_time_goes --rounds 3

Each round is a cold run in a fresh workspace, and right after it the floors on what that run left: the same
work with nothing around it, in a cold process each.
"""

import json
import statistics
import sys
import tempfile
from collections import defaultdict

from benchmarks.figures import described, machine, table
from benchmarks.processes import GREENLIGHT, run

IMPORTS = "import tensorflow, tensorflow_model_analysis; from tfx.orchestration.beam import beam_dag_runner"
AROUND, ALL = "imports, wiring, report, exit", "all"
FLOORS = {
    "ImdbExampleGen": {"writing": "write the tf.Examples"},
    "StatisticsGen": {"reading": "read and parse them"},
    "Trainer": {"tokenizing": "tokenize once", "fitting": "the arithmetic of the fit"},
    "InfraValidator": {"answering": "load the model, answer once"},
    "Evaluator": {"predicting": "load the model, predict once"},
}
"""By stage: the functions of benchmarks.floors that its work comes down to, and what they do."""

Seconds = dict[str, float]


def main(arguments: list[str] | None = None) -> int:
    parser = described(__doc__)
    parser.add_argument("--rounds", type=int, default=1, help="how many runs (default 1)")
    rounds = parser.parse_args(arguments).rounds
    print(machine(), flush=True)
    measured: dict[str, list[float]] = defaultdict(list)
    floors: dict[str, list[float]] = defaultdict(list)
    for number in range(1, rounds + 1):
        with tempfile.TemporaryDirectory() as workspace:
            _collect(measured, _run(workspace))
            _collect(floors, _floors(workspace))
        print(f"round {number}: {measured[ALL][-1]:.1f} s", flush=True)
    print(table(HEADER, rows(_medians(measured), _medians(floors))))
    return 0


def _run(workspace: str) -> Seconds:
    """Seconds of each stage, of what is around the stages, and of the whole process."""
    cost = run([*GREENLIGHT, "run", "--json", "--no-cache", "--workspace", workspace])
    return by_stage(cost.seconds, cost.output)


def by_stage(seconds: float, result_json: str) -> Seconds:
    """The stages of a `greenlight run --json` that took `seconds` in all, and what is around them."""
    stages = {stage["name"]: stage["seconds"] for stage in json.loads(result_json)["stages"]}
    return {AROUND: seconds - sum(stages.values()), **stages, ALL: seconds}


def _floors(workspace: str) -> Seconds:
    found = {AROUND: run([sys.executable, "-c", IMPORTS]).seconds}
    for parts in FLOORS.values():
        for name in parts:
            found[name] = float(run([sys.executable, "-m", "benchmarks.floors", name, workspace]).output)
    return found


def _collect(into: dict[str, list[float]], found: Seconds) -> None:
    for name, seconds in found.items():
        into[name].append(seconds)


def _medians(found: dict[str, list[float]]) -> Seconds:
    return {name: statistics.median(seconds) for name, seconds in found.items()}


HEADER = ("", "seconds", "share", "floor", "times the floor", "the floor is to")


def rows(measured: Seconds, floors: Seconds) -> list[tuple[str, ...]]:
    """Cells for HEADER, one row for each entry of `measured` in its order; `floors` has AROUND and FLOORS."""
    lines = []
    for name, seconds in measured.items():
        parts = {AROUND: "import TensorFlow, TFMA and TFX"} if name == AROUND else FLOORS.get(name, {})
        floor = sum(floors[part] for part in parts)
        of_floor = (f"{floor:.1f}", f"{seconds / floor:.1f}") if parts else ("", "")
        share = f"{seconds / measured[ALL]:.0%}"
        lines.append((name, f"{seconds:.1f}", share, *of_floor, ", ".join(parts.values())))
    return lines


if __name__ == "__main__":
    sys.exit(main())
