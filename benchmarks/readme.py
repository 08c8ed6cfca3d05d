"""The figures of the README, measured anew and written into it.

    python -m benchmarks.readme
    python -m benchmarks.readme --only serving --only notebook
    python -m benchmarks.readme --render

Runs the benchmarks one after the other, about half an hour on a quiet machine. docs/figures.json keeps the
values of every round, with the commit, the date and the machine; the table of the README is written from that
file. With --only the other benchmarks keep their values; with --render nothing is measured.

The exit code is 1 where a benchmark misses one of its limits.
"""

import dataclasses
import datetime
import json
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.figures import described, machine_name
from benchmarks.processes import CHECKOUT, GREENLIGHT, run

RECORD, README = CHECKOUT / "docs" / "figures.json", CHECKOUT / "README.md"
ROUNDS = 3
_TABLE = re.compile(r"(## Figures\n\n)(?:[^|\n]*\n)*?\n?(?:\|.*\n)+", re.MULTILINE)
HEADER = ("benchmark", "median (lowest to highest)", "rounds", "command")

Rounds = Mapping[str, Sequence[float]]
"""The values of a benchmark by name, one for each round."""


@dataclasses.dataclass(frozen=True)
class Benchmark:
    """A benchmark: the module after `python -m`, its arguments, and the rows that are made of its values."""

    module: str
    arguments: tuple[str, ...]
    rows: Callable[[Rounds], Sequence[tuple[str, Sequence[float], str]]]
    """Of each row: what is measured, its value in each round, and how a value is shown (a format)."""

    @property
    def command(self) -> str:
        return " ".join(("python -m", self.module, *self.arguments))


def main(arguments: list[str] | None = None) -> int:
    parser = described(__doc__)
    parser.add_argument(
        "--only", action="append", choices=BENCHMARKS, help="measure only this one. Repeatable"
    )
    parser.add_argument(
        "--render", action="store_true", help="write the README from what was measured before"
    )
    given = parser.parse_args(arguments)
    recorded = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    missed = False
    for name in () if given.render else given.only or BENCHMARKS:
        print(f"{name}: {BENCHMARKS[name].command}", flush=True)
        recorded[name], holds = measure(BENCHMARKS[name])
        missed = missed or not holds
        RECORD.write_text(json.dumps(recorded, indent=1) + "\n", encoding="utf-8")
    README.write_text(rendered(README.read_text(encoding="utf-8"), recorded), encoding="utf-8")
    return 1 if missed else 0


def measure(benchmark: Benchmark) -> tuple[dict[str, Any], bool]:
    """What docs/figures.json keeps of a benchmark, and whether its limits hold."""
    with tempfile.TemporaryDirectory() as folder:
        record, workspace = Path(folder, "record.json"), Path(folder, "workspace")
        arguments = list(benchmark.arguments)
        if WORKSPACE in arguments:
            run([*GREENLIGHT, "run", "--workspace", str(workspace)])
            arguments[arguments.index(WORKSPACE)] = str(workspace)
        command = [sys.executable, "-m", benchmark.module, *arguments, "--record", str(record)]
        ended = subprocess.run(command, cwd=CHECKOUT, check=False)
        if not record.exists():
            raise SystemExit(f"Error: {benchmark.command} ended with {ended.returncode} and no figures.")
        rounds = json.loads(record.read_text(encoding="utf-8"))
    kept = {
        "command": benchmark.command,
        "commit": _commit(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": machine_name(),
        "rounds": rounds,
    }
    return kept, ended.returncode == 0


def rendered(readme: str, recorded: Mapping[str, Mapping[str, Any]]) -> str:
    """The README with the table of what was recorded.

    Raises:
      ValueError: it has no table under `## Figures`.
    """
    lines = []
    for name, benchmark in BENCHMARKS.items():
        if name in recorded:
            command = f"`{recorded[name]['command']}`"
            for what, values, shown in benchmark.rows(recorded[name]["rounds"]):
                lines.append((what, spread(values, shown), str(len(values)), command))
                command = "the same"
    cells = [HEADER, ("---",) * len(HEADER), *lines]
    text = f"{_measured_on(recorded)}\n\n" + "".join(f"| {' | '.join(row)} |\n" for row in cells)
    changed, found = _TABLE.subn(lambda match: match[1] + text, readme, count=1)
    if not found:
        raise ValueError("README.md has no table under `## Figures`")
    return changed


def spread(values: Sequence[float], shown: str) -> str:
    """`0.52 (0.50 to 0.55)`: the median, and the lowest and the highest value where they differ."""
    middle, low, high = (
        shown.format(value) for value in (statistics.median(values), min(values), max(values))
    )
    return middle if low == high else f"{middle} ({low} to {high})"


def _measured_on(recorded: Mapping[str, Mapping[str, Any]]) -> str:
    """A sentence for each machine, commit and date."""
    at: dict[tuple[str, str, str], list[str]] = {}
    for name in (name for name in BENCHMARKS if name in recorded):
        kept = recorded[name]
        at.setdefault((kept["machine"], kept["commit"], kept["date"]), []).append(name)
    (machine, commit, date), *others = at
    said = [f"Measured by `make figures` on {date} at commit {commit}, on {machine}."]
    for other in others:
        names = ", ".join(at[other])
        where = "the same machine" if other[0] == machine else other[0]
        said.append(f"Of {names}: {other[2]}, commit {other[1]}, {where}.")
    return " ".join(said)


def _commit() -> str:
    """The commit, with `-dirty` where more than what this script writes differs from it."""
    written = [f":(exclude){file.relative_to(CHECKOUT)}" for file in (README, RECORD)]
    changed = run(["git", "status", "--porcelain", "--untracked-files=no", "--", ".", *written]).output
    found = run(["git", "rev-parse", "--short=7", "HEAD"]).output.strip()
    return f"{found}-dirty" if changed.strip() else found


def ratios(over: Sequence[float], under: Sequence[float]) -> list[float]:
    return [a / b for a, b in zip(over, under, strict=True)]


WORKSPACE = "WORKSPACE"
"""An argument that stands for a workspace with a promoted model, made for the benchmark."""


def _notebook(rounds: Rounds) -> list[tuple[str, Sequence[float], str]]:
    first, script = rounds["greenlight run"], rounds["notebook script"]
    return [
        ("accuracy of a default run on its 5,000 test reviews", rounds["accuracy"], "{:.4f}"),
        ("its calibration error", rounds["calibration error"], "{:.3f}"),
        ("the whole gated pipeline in a cold process", first, "{:.1f} s"),
        ("the same, relative to the lesson as a plain Keras script", ratios(first, script), "{:.2f}"),
        ("an unchanged second run, relative to the first", ratios(rounds["run again"], first), "{:.2f}"),
        (
            "a run with a new gate (only Evaluator and Pusher work), relative to the first",
            ratios(rounds["run with a new gate"], first),
            "{:.2f}",
        ),
        ("`greenlight --help`", rounds["--help"], "{:.2f} s"),
        ("the answer to an invalid setting", rounds["a setting that cannot be"], "{:.2f} s"),
    ]


def _tfx_example(rounds: Rounds) -> list[tuple[str, Sequence[float], str]]:
    faster = ratios(rounds["TFX's IMDB example"], rounds["greenlight run"])
    return [
        ("how many times faster than TFX's own IMDB example, 25,000 reviews", faster, "{:.1f}"),
        (
            "the accuracy of TFX's example after its 500 steps",
            rounds["accuracy of TFX's IMDB example"],
            "{:.2f}",
        ),
    ]


def _lesson(rounds: Rounds) -> list[tuple[str, Sequence[float], str]]:
    return [
        (
            "accuracy on the lesson's split, 10,000 validation reviews, three seeds (the lesson: 0.8685)",
            rounds["accuracy of greenlight"],
            "{:.4f}",
        ),
        ("its calibration error", rounds["calibration error of greenlight"], "{:.3f}"),
        ("scikit-learn's NB-SVM on the same reviews", rounds["accuracy of NB-SVM"], "{:.4f}"),
    ]


def _serving(rounds: Rounds) -> list[tuple[str, Sequence[float], str]]:
    return [
        ("one review over HTTP", rounds["HTTP, 1 client, ms"], "{:.2f} ms"),
        (
            "the same, relative to the signature called in process",
            ratios(rounds["HTTP, 1 client, ms"], rounds["signature, 1 row, ms"]),
            "{:.2f}",
        ),
        ("64 clients over HTTP", rounds["HTTP, 64 clients, rows/s"], "{:,.0f} rows/s"),
        (
            "the same, relative to the signature called with 64 rows",
            ratios(rounds["HTTP, 64 clients, rows/s"], rounds["signature, 64 rows, rows/s"]),
            "{:.2f}",
        ),
        ("256 clients over HTTP", rounds["HTTP, 256 clients, rows/s"], "{:,.0f} rows/s"),
        ("their 99th percentile", rounds["HTTP, 256 clients, p99 ms"], "{:.0f} ms"),
        ("their failed requests", rounds["HTTP, 256 clients, failed"], "{:.0f}"),
    ]


BENCHMARKS: dict[str, Benchmark] = {
    "notebook": Benchmark("benchmarks.against_notebook", ("--rounds", str(ROUNDS)), _notebook),
    "tfx-example": Benchmark("benchmarks.against_tfx_example", ("--rounds", str(ROUNDS)), _tfx_example),
    "lesson": Benchmark("benchmarks.accuracy", ("--seeds", "1,2,3"), _lesson),
    "serving": Benchmark("benchmarks.serving", ("--rounds", str(ROUNDS), "--workspace", WORKSPACE), _serving),
}


if __name__ == "__main__":
    sys.exit(main())
