"""The cost of each stage per review, in seconds and peak memory, at several sizes.

    python -m benchmarks.scale --sizes 25000,250000,1000000 --scratch DIR --curves FILE.svg
    python -m benchmarks.scale --runner flink --sizes 25000,250000,1000000 --scratch DIR

The reviews are made by recombining the sentences of the real ones. Each stage runs in a process of its own,
so that its peak memory is its own. `work` is what the stage takes once its code is imported, and what limits
are held against; `process` is all of it. `a further one` is the work that each review costs beyond those of
the size before, which leaves out what any number of reviews costs once, such as building a graph.

The exit code is 1 where a limit is missed: a review costs more than 1.15 times what it costs at the smallest
size, a process holds more than 3 GiB, or more than 1.15 times what it held at the size before (ExampleGen
beside 2.5 kB of each further review). The last is not asked of the second size, at which buffers are full and
the Trainer begins to stream.

With --scratch, what was measured is kept in DIR, and a second call measures only what is missing; the reviews
of a size are deleted when all its stages are measured. The stages of the smallest size run three times, and
the medians count, because all ratios are to them.

With --runner flink, the stages on Beam run once at each size: in process, by two processes, and on one and on
two TaskManagers of a standalone Flink cluster on loopback. CPU seconds and memory are those of all processes
together. It needs Linux, Java 11 or 17, Maven Central and PyPI, and 12 GB of memory, and has no limits.
"""

import argparse
import dataclasses
import json
import shutil
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import described, machine, table
from benchmarks.processes import run
from benchmarks.scale import scratch as scratches
from benchmarks.scale.scratch import Measured

MOST_COST_A_REVIEW = 1.15
MOST_PEAK_MIB = 3 * 1024
MOST_GROWTH = 1.15
HELD_KB = {"ExampleGen": 2.5}
"""What a stage may hold of each further review: keys and sketches, until the near-duplicates are known."""
ROUNDS_OF_THE_SMALLEST = 3
STAGES = ("ExampleGen", "StatisticsGen", "one training epoch", "batch inference")


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
    parser.add_argument(
        "--scratch", type=Path, help="a folder for reviews (2 kB each) and figures; begins where it ended"
    )
    parser.add_argument(
        "--runner", choices=("in-process", "flink"), default="in-process", help="flink: beside it, on Flink"
    )
    given = parser.parse_args(arguments)
    print(machine(), flush=True)
    if given.runner == "flink":
        return compare_runners(given.sizes, given.scratch)
    found = []
    with scratches.opened(given.scratch) as scratch:
        for size in given.sizes:
            found += measure_size(
                size, scratch, rounds=ROUNDS_OF_THE_SMALLEST if size == given.sizes[0] else 1
            )
    lines = rows(found)
    print(table(HEADER, lines))
    if given.curves:
        draw(found, given.curves)
    return 1 if any(missed for *_, missed in lines) else 0


def compare_runners(sizes: list[int], scratch: Path | None) -> int:
    """Prints what the stages cost on Flink and in process."""
    from benchmarks.engines.parts import Missing
    from benchmarks.processes import CommandFailed
    from benchmarks.scale import runners
    from components.errors import GreenlightError

    try:
        with scratches.opened(scratch) as folder:
            found = runners.measure_runners(sizes, folder)
    except (Missing, CommandFailed, GreenlightError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    print(table(runners.HEADER, runners.rows(found)))
    return 0


def measure_size(size: int, scratch: Path, *, rounds: int) -> list[Measured]:
    """Every stage, as far as `scratch` has no figures of it."""
    folder = scratch / str(size)
    medians = []
    for stage in STAGES:
        file = scratch / f"{size}-{STAGES.index(stage) + 1}.jsonl"
        measured = scratches.kept(file)[:rounds]
        while len(measured) < rounds:
            scratches.make_reviews(folder, size)
            measured.append(measure(stage, size, str(folder)))
            scratches.keep(file, measured)
            print(f"{size:,}: {stage}, {measured[-1].seconds:.1f} s", flush=True)
        medians.append(_median(measured))
    shutil.rmtree(folder, ignore_errors=True)
    return medians


def _median(measured: list[Measured]) -> Measured:
    medians = {
        name: statistics.median(getattr(one, name) for one in measured)
        for name in ("seconds", "cpu", "process", "peak_mib")
    }
    return dataclasses.replace(measured[0], **medians)


def measure(stage: str, size: int, folder: str) -> Measured:
    cost = run([sys.executable, "-m", "benchmarks.scale.stages", stage, folder])
    work = json.loads(cost.output.splitlines()[-1])
    return Measured(stage=stage, size=size, process=cost.seconds, peak_mib=cost.peak_mib, **work)


HEADER = (
    "stage",
    "reviews",
    "process s",
    "work s",
    "CPU s",
    "µs a review",
    "of the smallest",
    "a further one",
    "peak MiB",
    "",
)


def rows(found: list[Measured]) -> list[tuple[str, ...]]:
    """Cells for HEADER; the last one says which limits are missed."""
    lines = []
    for stage in STAGES:
        sizes = _of(stage, found)
        for before, one in zip([None, *sizes], sizes, strict=False):
            ratio = one.microseconds / sizes[0].microseconds
            further = f"{_further(before, one):,.0f}" if before else ""
            seconds = f"{one.process:.1f}", f"{one.seconds:.1f}", f"{one.cpu:.1f}"
            costs = f"{one.microseconds:,.0f}", f"{ratio:.2f}", further
            missed = ", ".join(_missed(one, ratio=ratio, before=None if before is sizes[0] else before))
            lines.append((stage, f"{one.size:,}", *seconds, *costs, f"{one.peak_mib:,.0f}", missed))
    return lines


def _of(stage: str, found: list[Measured]) -> list[Measured]:
    """From the smallest size to the largest."""
    return sorted((one for one in found if one.stage == stage), key=lambda one: one.size)


def _missed(one: Measured, *, ratio: float, before: Measured | None) -> Iterator[str]:
    """`before`: the next smaller size, where memory should not have grown since."""
    if ratio > MOST_COST_A_REVIEW:
        yield f"more than {MOST_COST_A_REVIEW}x"
    if one.peak_mib > MOST_PEAK_MIB:
        yield f"more than {MOST_PEAK_MIB:,} MiB"
    if before:
        held_mib = HELD_KB.get(one.stage, 0.0) * (one.size - before.size) / 1024
        if one.peak_mib - held_mib > MOST_GROWTH * before.peak_mib:
            yield "memory grows"


def _further(before: Measured, one: Measured) -> float:
    """Microseconds of work for each review that `one` had more."""
    return 1e6 * (one.seconds - before.seconds) / max(one.reviews - before.reviews, 1)


def draw(found: list[Measured], path: Path) -> None:
    """Cost of a review and peak memory over the number of reviews, a curve a stage, with their limits."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 3.8), layout="constrained")
    FigureCanvasAgg(figure)
    cost, ratio, memory = figure.subplots(1, 3)
    for stage in STAGES:
        points = _of(stage, found)
        sizes, costs = [one.size for one in points], [one.microseconds for one in points]
        cost.plot(sizes, costs, marker="o", label=stage)
        ratio.plot(sizes, [each / costs[0] for each in costs], marker="o")
        memory.plot(sizes, [one.peak_mib for one in points], marker="o")
    for axes, limit in ((ratio, MOST_COST_A_REVIEW), (memory, MOST_PEAK_MIB)):
        axes.axhline(limit, color="gray", linestyle=":", label=None if axes is ratio else "limit")
    ticks = sorted({one.size for one in found})
    titles = "µs of work a review", f"the same, against {ticks[0]:,} reviews", "peak MiB of the process"
    for axes, title in zip((cost, ratio, memory), titles, strict=True):
        axes.set(title=title, xlabel="reviews", xscale="log", ylim=(0, None))
        axes.minorticks_off()
        axes.set_xticks(ticks, [f"{size:,}" for size in ticks])
    figure.legend(loc="outside lower center", ncols=len(STAGES) + 1)
    figure.savefig(path)


if __name__ == "__main__":
    sys.exit(main())
