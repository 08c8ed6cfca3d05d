"""Medians, ratios and tables, with the machine that they were measured on."""

import argparse
import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

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


def machine() -> str:
    """A line about this machine, how busy it was just now, and the environment."""
    try:
        tfx = f"TFX {version('tfx')}, TensorFlow {version('tensorflow')}"
    except PackageNotFoundError:
        tfx = "TFX is not installed"
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} cores, load {load:.1f} at the start; Python {platform.python_version()}, {tfx}"
