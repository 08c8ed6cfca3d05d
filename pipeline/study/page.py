"""The page of the early stopping study: learning curves as PNG, SVG and a self-contained HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.report import chart_style, charts, rendering
from pipeline.study import files
from pipeline.study import text as study_text

if TYPE_CHECKING:
    from markupsafe import Markup

    from pipeline.study.result import Fit, StudyResult

TITLES = ("without early stopping", "with early stopping")
METRICS: tuple[charts.Metric, ...] = ("loss", "accuracy")


def write(result: StudyResult, folder: Path) -> dict[str, str]:
    """Writes index.html, curves.png and curves.svg into `folder`; returns their paths by kind."""
    return files.write(
        folder, picture="curves", page=page(result), draw=lambda kind: picture(result, kind=kind)
    )


def picture(result: StudyResult, *, kind: str) -> bytes:
    """Both pairs of curves in one picture, `kind` png or svg: one column per fit, one row per metric."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(chart_style.STYLE):
        figure = Figure(figsize=(11, 7.4), layout="constrained")
        grid = figure.subplots(2, 2, sharex=True, sharey="row")
        for row, metric in enumerate(METRICS):
            for axes, title, fit in zip(grid[row], TITLES, (result.without, result.stopped), strict=True):
                charts.draw_learning_curve(
                    axes, fit.epochs, metric=metric, frame=_frame(result, metric), **_marks(result, fit)
                )
                axes.label_outer()
                if row == 0:
                    axes.set_title(title, loc="left", fontweight="bold")
        return chart_style.image(figure, kind=kind)


def page(result: StudyResult) -> str:
    """The study as one self-contained HTML page."""
    template = rendering.environment().get_template("study.html")
    return template.render(
        result=result,
        titles=TITLES,
        curves={metric: _pair(result, metric) for metric in METRICS},
        classes=result.classes,
        model=study_text.model_in_words(result),
        conclusion=study_text.conclusion(result),
        accuracies=study_text.accuracies(result),
        rows=[(row, study_text.cells(row.epoch, row.without, row.stopped)) for row in result.table()],
        texts=[(text, study_text.numbers(text)) for text in result.reviews],
    )


def _pair(result: StudyResult, metric: charts.Metric) -> list[Markup]:
    """The charts of both fits on one scale."""
    from markupsafe import Markup

    fits = {"without": result.without, "stopped": result.stopped}
    frame = _frame(result, metric)
    return [
        Markup(
            charts.learning_curve(
                fit.epochs, metric=metric, name=f"{metric}-{name}", frame=frame, **_marks(result, fit)
            )
        )
        for name, fit in fits.items()
    ]


def _marks(result: StudyResult, fit: Fit) -> dict[str, Any]:
    """The marks of the stopped fit: its kept epoch, and the epochs that it did not need."""
    if fit is result.without:
        return {"restored": None}
    spared = result.without.epochs[len(fit.epochs) :] if result.same_start else ()
    return {"restored": fit.kept_epoch, "beyond": spared}


def _frame(result: StudyResult, metric: charts.Metric) -> charts.Frame:
    """The axis limits for both fits, equal so that their charts can be compared."""
    values = [
        epoch[key]
        for fit in (result.without, result.stopped)
        for epoch in fit.epochs
        for key in (metric, f"val_{metric}")
    ]
    low, high = min(values), max(values)
    room = 0.08 * (high - low) or 0.01
    return 0.5, max(2, len(result.without.epochs)) + 0.5, low - room, high + room
