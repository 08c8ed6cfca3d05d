"""Medians, ratios and tables, with the machine that they were measured on."""

import argparse
import json
import os
import platform
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.processes import Cost


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A number and the most that it may be; `limit` None where nothing is asked of it.

    It is shown with `digits` behind the point.
    """

    name: str
    value: float
    limit: float | None = None
    digits: int = 2

    @property
    def holds(self) -> bool:
        return self.limit is None or self.value <= self.limit

    @property
    def cells(self) -> tuple[str, str, str]:
        shown = f"{self.value:.{self.digits}f}"
        if self.limit is None:
            return self.name, shown, ""
        judged = "holds" if self.holds else "MISSED"
        return self.name, shown, f"{judged}: at most {self.limit:g}"


def median(costs: Iterable[Cost], attribute: str = "seconds") -> float:
    """The median of `seconds`, `cpu` or `peak_mib`."""
    return statistics.median(getattr(cost, attribute) for cost in costs)


def cost_row(name: str, costs: Sequence[Cost]) -> tuple[str, ...]:
    """Cells for COST_HEADER: medians, and the wall times of all rounds."""
    return (
        name,
        f"{median(costs):.1f}",
        f"{median(costs, 'cpu'):.1f}",
        f"{median(costs, 'peak_mib'):,.0f}",
        " ".join(f"{cost.seconds:.1f}" for cost in costs),
    )


COST_HEADER = ("", "seconds", "CPU seconds", "peak MiB", "all rounds")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, its columns aligned."""
    cells = [tuple(header), *(tuple(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in cells]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def described(text: str | None) -> argparse.ArgumentParser:
    """A parser whose help is a script's docstring as it stands."""
    return argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)


def record_option(parser: argparse.ArgumentParser) -> None:
    """Adds --record FILE, for `benchmarks.readme`."""
    parser.add_argument("--record", type=Path, help="where to write the values of all rounds, as JSON")


def record(path: Path | None, rounds: Mapping[str, Sequence[float]]) -> None:
    """Writes the values of each round by name, if a path is given."""
    if path is not None:
        path.write_text(json.dumps({name: list(values) for name, values in rounds.items()}), encoding="utf-8")


def machine_name() -> str:
    """A clause that names this machine: processor, cores, memory, and the environment."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2] for line in lines if line.startswith("model name")]
    processor = " ".join((names[0] if names else platform.processor()).split())
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores ({processor}), {gib:.0f} GiB, {platform.system()}; Python "
        f"{platform.python_version()}, {_tfx()}"
    )


def machine() -> str:
    """A line about this machine, how busy it was just now, and the environment."""
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores, load {load:.1f} at the start; Python {platform.python_version()}, {_tfx()}"
    )


def _tfx() -> str:
    try:
        return f"TFX {version('tfx')}, TensorFlow {_tensorflow()}"
    except PackageNotFoundError:
        return "TFX is not installed"


def _tensorflow() -> str:
    try:
        return version("tensorflow-cpu")
    except PackageNotFoundError:
        return version("tensorflow")
