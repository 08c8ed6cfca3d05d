"""What a review costs when there are many: seconds a review and peak memory of each stage, at several sizes.

    python -m benchmarks.scale --sizes 25000,250000,1000000 --curves docs/scale.svg

The reviews are made by recombining the sentences of the real ones. Each stage runs in a process of its own,
so that its peak memory is its own.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks import reviews_made
from benchmarks.figures import described, machine, table
from benchmarks.processes import run

MOST_COST_A_REVIEW = 1.15
MOST_PEAK_MIB = 3 * 1024
STAGES = ("ExampleGen", "StatisticsGen", "one training epoch", "batch inference")


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One stage at one size."""

    stage: str
    size: int
    reviews: int
    seconds: float
    cpu: float
    peak_mib: float

    @property
    def microseconds(self) -> float:
        """Wall time for each review."""
        return 1e6 * self.seconds / max(self.reviews, 1)


def sizes_of(text: str) -> list[int]:
    """`2500,25000` -> [2500, 25000], ascending."""
    sizes = sorted(int(size) for size in text.split(","))
    if sizes[0] < 100:
        raise argparse.ArgumentTypeError("100 reviews are the fewest that fill every split")
    return sizes


def main(arguments: list[str] | None = None) -> int:
    parser = described(__doc__)
    parser.add_argument(
        "--sizes", type=sizes_of, default="25000,250000,1000000", help="reviews, separated by commas"
    )
    parser.add_argument("--curves", type=Path, help="where to draw them: a .svg or .png file")
    parser.add_argument("--scratch", type=Path, help="a folder with room for the reviews (2 kB each)")
    given = parser.parse_args(arguments)
    print(machine(), flush=True)
    found = []
    for size in given.sizes:
        with tempfile.TemporaryDirectory(dir=given.scratch) as folder:
            (source := Path(folder, "source")).mkdir()
            reviews_made.write(source, size)
            for stage in STAGES:
                found.append(measure(stage, size, folder))
                print(f"{size:,}: {stage}, {found[-1].seconds:.1f} s", flush=True)
    print(table(HEADER, rows(found)))
    if given.curves:
        draw(found, given.curves)
    return 0


def measure(stage: str, size: int, folder: str) -> Measured:
    cost = run([sys.executable, "-m", "benchmarks.scale_stages", stage, folder])
    work = json.loads(cost.output.splitlines()[-1])
    return Measured(stage=stage, size=size, peak_mib=cost.peak_mib, **work)


HEADER = ("stage", "reviews", "seconds", "CPU seconds", "µs a review", "of the smallest", "peak MiB", "")


def rows(found: list[Measured]) -> list[tuple[str, ...]]:
    """Cells for HEADER; the last one says what misses its limit, cost against the smallest size or memory."""
    smallest = {one.stage: one for one in sorted(found, key=lambda one: -one.size)}
    lines = []
    for one in sorted(found, key=lambda one: (STAGES.index(one.stage), one.size)):
        ratio = one.microseconds / smallest[one.stage].microseconds
        missed = [f"more than {MOST_COST_A_REVIEW}x"] if ratio > MOST_COST_A_REVIEW else []
        missed += [f"more than {MOST_PEAK_MIB:,} MiB"] if one.peak_mib > MOST_PEAK_MIB else []
        numbers = f"{one.seconds:.1f}", f"{one.cpu:.1f}", f"{one.microseconds:,.0f}", f"{ratio:.2f}"
        lines.append((one.stage, f"{one.size:,}", *numbers, f"{one.peak_mib:,.0f}", ", ".join(missed)))
    return lines


def draw(found: list[Measured], path: Path) -> None:
    """Seconds a review and peak memory over the number of reviews, a curve a stage."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    cost, memory = figure.subplots(1, 2)
    for stage in STAGES:
        points = sorted((one for one in found if one.stage == stage), key=lambda one: one.size)
        sizes = [one.size for one in points]
        cost.plot(sizes, [one.microseconds for one in points], marker="o", label=stage)
        memory.plot(sizes, [one.peak_mib for one in points], marker="o", label=stage)
    memory.axhline(MOST_PEAK_MIB, color="grey", linestyle=":", label="3 GiB")
    for axes, title in ((cost, "µs a review"), (memory, "peak MiB of the process")):
        axes.set(title=title, xlabel="reviews", xscale="log", ylim=(0, None))
    memory.legend(fontsize="small")
    figure.savefig(path)


if __name__ == "__main__":
    sys.exit(main())
