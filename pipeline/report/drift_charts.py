"""The charts of a drift comparison: distances to thresholds, and histograms of both samples."""

from __future__ import annotations

from collections.abc import Sequence

from components.drift.findings import Finding, Histogram
from pipeline.report.chart_style import BAD, DASHED, FIRST, GOOD, INK, MUTED, SECOND, drawing, inline_svg

_LEAST, _MOST = 0.01, 100.0


def thresholds(findings: Sequence[Finding]) -> str:
    """Each judged figure as a multiple of its threshold, on a logarithmic scale."""
    judged = [finding for finding in findings if finding.value is not None and finding.threshold]
    with drawing(width=6.4, height=max(1.7, 0.9 + 0.42 * len(judged)), left=1.45, right=0.3) as (
        figure,
        axes,
    ):
        for row, finding in enumerate(judged):
            share = min(_MOST, max(_LEAST, (finding.value or 0.0) / (finding.threshold or 1.0)))
            color = BAD if finding.exceeded else GOOD
            axes.plot(
                [_LEAST, share], [row, row], color=color, linewidth=5, solid_capstyle="butt", alpha=0.45
            )
            axes.plot([share], [row], "o", color=color, markersize=8)
        axes.axvline(1, color=INK, linewidth=1.2, linestyle=DASHED)
        axes.set_xscale("log")
        axes.set(xlim=(_LEAST, _MOST), ylim=(len(judged) - 0.5, -0.5), xlabel="times the threshold")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.minorticks_off()
        axes.set_yticks(range(len(judged)), [finding.title for finding in judged])
        axes.grid(axis="y", visible=False)
        label = "; ".join(
            f"{finding.title} {'above' if finding.exceeded else 'within'} its threshold" for finding in judged
        )
        return inline_svg(figure, name="drift-thresholds", label=label)


def both_sides(histogram: Histogram) -> str:
    """The shares of examples in each bucket, of the compared sample and of the reference."""
    rows = range(len(histogram.buckets))
    with drawing(height=max(1.5, 0.75 + 0.34 * len(rows)), left=1.5) as (figure, axes):
        for shift, shares, color in (
            (-0.2, histogram.compared, SECOND),
            (0.2, histogram.reference, FIRST),
        ):
            axes.barh([row + shift for row in rows], shares, height=0.38, color=color)
        axes.set_yticks(rows, histogram.buckets)
        axes.invert_yaxis()
        axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.3g} %")
        axes.set_xlabel("share of the examples", color=MUTED)
        axes.grid(axis="y", visible=False)
        label = f"Distribution of {histogram.name.replace('_', ' ')}, compared and reference"
        return inline_svg(figure, name=f"drift-{histogram.name}", label=label)
