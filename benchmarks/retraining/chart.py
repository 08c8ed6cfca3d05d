"""The chart of the retraining simulation: three strategies over the same twenty spans."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.retraining.simulated_spans import DRIFT_FROM, Plan
from pipeline.report.chart_style import BAD, DASHED, FIRST, INK, MUTED, SECOND, drawing

LINES = {
    "gated": ("retrained, gated", FIRST, "-"),
    "always": ("always retrained, no gate", SECOND, "-"),
    "never": ("never retrained", MUTED, DASHED),
}
REMARKS = {"malformed": "malformed", "empty": "empty", "crash": "kill -9", "poisoned": "poisoned"}


def draw(file: Path, accuracy: Sequence[Mapping[str, float]], plans: Sequence[Plan]) -> None:
    """Writes the chart as SVG."""
    numbers = [plan.number for plan in plans]
    with drawing(width=9.0, height=4.2) as (figure, axes):
        for name, (label, color, style) in LINES.items():
            axes.plot(numbers, [one[name] for one in accuracy], color=color, linestyle=style, label=label)
        low, high = axes.get_ylim()
        axes.set_ylim(low - 0.1 * (high - low), high)
        axes.axvline(DRIFT_FROM - 0.5, color=INK, linewidth=0.8, linestyle=DASHED)
        axes.annotate("drift", (DRIFT_FROM - 0.4, high), color=INK, va="top")
        for plan in plans:
            if plan.kind in REMARKS:
                color = BAD if plan.kind == "poisoned" else MUTED
                axes.annotate(
                    REMARKS[plan.kind],
                    (plan.number, axes.get_ylim()[0]),
                    color=color,
                    ha="center",
                    va="bottom",
                )
        axes.set_xticks(numbers)
        axes.set_xlabel("span, one a week")
        axes.set_ylabel("accuracy on held-out reviews")
        axes.legend(loc="upper right", frameon=False)
        figure.savefig(file, format="svg")
