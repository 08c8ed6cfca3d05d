"""The page of the study of few labels: the chart as SVG and PNG, and a self-contained HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.report import chart_style, rendering
from pipeline.study import files
from pipeline.study.labels import text as study_text
from pipeline.study.labels.result import BASELINE, NAMES, OURS, LabelStudyResult

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes

COLORS = {OURS: chart_style.FIRST, BASELINE: chart_style.SECOND}
_NUDGE = 0.06
"""How far the two models' points of one size are apart, as a share of the size."""


def write(result: LabelStudyResult, folder: Path) -> dict[str, str]:
    """Writes index.html, labels.png and labels.svg into `folder`; returns their paths by what they are."""
    return files.write(
        folder, picture="labels", page=page(result), draw=lambda kind: picture(result, kind=kind)
    )


def picture(result: LabelStudyResult, *, kind: str) -> bytes:
    """The chart as a file, `kind` png or svg."""
    with chart_style.drawing(width=9, height=5.4) as (figure, axes):
        draw_accuracies(axes, result)
        return chart_style.image(figure, kind=kind)


def page(result: LabelStudyResult) -> str:
    """The study as one HTML page that needs nothing beside it."""
    template = rendering.environment().get_template("label_study.html")
    return template.render(
        result=result,
        chart=_chart(result),
        conclusion=study_text.conclusion(result),
        setting=study_text.setting(result),
        header=study_text.HEADER,
        rows=[study_text.cells(size) for size in result.sizes],
    )


def draw_accuracies(axes: Axes, result: LabelStudyResult) -> None:
    """Mean accuracy by the number of labels, a line for each model, and a dot for each draw."""
    from matplotlib.ticker import FixedLocator, NullLocator, PercentFormatter

    sizes = [size.labels for size in result.sizes]
    for model, side in ((OURS, 1), (BASELINE, -1)):
        color = COLORS[model]
        axes.plot(
            sizes,
            [size.mean(model) for size in result.sizes],
            color=color,
            linewidth=2,
            marker="o",
            markersize=6,
            label=NAMES[model],
        )
        points = [
            (size.labels * (1 + side * _NUDGE), accuracy)
            for size in result.sizes
            for accuracy in size.accuracies(model)
        ]
        x, y = zip(*points, strict=True)
        axes.scatter(x, y, s=14, color=color, alpha=0.45, linewidths=0)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(sizes))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set(xlabel="labeled examples, for the fit and early stopping together", ylabel="accuracy")
    axes.margins(x=0.06, y=0.08)
    axes.legend(loc="lower right", frameon=False)


def _chart(result: LabelStudyResult) -> Markup:
    from markupsafe import Markup

    with chart_style.drawing(width=9, height=5.4) as (figure, axes):
        draw_accuracies(axes, result)
        label = "Accuracy by the number of labels. " + _described(result)
        return Markup(chart_style.inline_svg(figure, name="labels", label=label))


def _described(result: LabelStudyResult) -> str:
    """The means in words, for a reader who does not see the chart."""
    means: Sequence[str] = [
        f"{size.labels:,}: {size.mean(OURS):.3f} against {size.mean(BASELINE):.3f}" for size in result.sizes
    ]
    return f"{NAMES[OURS]} against {NAMES[BASELINE]}: {'; '.join(means)}"
