"""The charts of the report: numbers to SVG, reproducible to the byte."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from components.reviews import CLASSES
from pipeline.report.chart_style import (
    BAD,
    DASHED,
    FIRST,
    GOOD,
    INK,
    MUTED,
    SECOND,
    SPLIT_COLORS,
    drawing,
    inline_svg,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pipeline.report.predictions import Calibration, Interval, Predictions

Metric = Literal["loss", "accuracy"]
Epochs = Sequence[Mapping[str, float]]
Frame = tuple[float, float, float, float]


def learning_curve(
    epochs: Epochs,
    *,
    metric: Metric,
    restored: int | None,
    name: str = "",
    frame: Frame | None = None,
    beyond: Epochs = (),
) -> str:
    """Training and validation `metric` by epoch, with a mark at the epoch of the kept weights.

    `frame` and `beyond` are as in `draw_learning_curve`.
    """
    with drawing(height=4.0, right=0.85) as (figure, axes):
        draw_learning_curve(axes, epochs, metric=metric, restored=restored, frame=frame, beyond=beyond)
        label = f"Training and validation {metric} over {len(epochs)} epochs"
        if restored:
            label += f"; the weights of epoch {restored} were kept"
        return inline_svg(figure, name=f"curve-{name or metric}", label=label)


def draw_learning_curve(
    axes: Axes,
    epochs: Epochs,
    *,
    metric: Metric,
    restored: int | None,
    frame: Frame | None = None,
    beyond: Epochs = (),
) -> None:
    """Draws what `learning_curve` describes on `axes`.

    Args:
      frame: the limits of the axes (first and last epoch, lowest and highest value), for comparable charts.
      beyond: the values without early stopping, drawn as a faint line.
    """
    from matplotlib.ticker import MaxNLocator

    numbers = [int(epoch["epoch"]) for epoch in epochs]
    whole = [*epochs, *beyond]
    keys = {"training": (metric, FIRST), "validation": (f"val_{metric}", SECOND)}
    upper = max(keys, key=lambda name: whole[-1][keys[name][0]])
    for name, (key, color) in keys.items():
        values = [epoch[key] for epoch in epochs]
        axes.plot(numbers, values, color=color, linewidth=2, marker="o" if len(numbers) == 1 else None)
        if beyond:
            spared = whole[len(epochs) - 1 :]
            axes.plot(
                *zip(*((e["epoch"], e[key]) for e in spared), strict=True),
                color=color,
                alpha=0.35,
                linestyle=DASHED,
            )
        side, nudge = ("bottom", -3) if name == upper else ("top", 3)
        end = (whole[-1]["epoch"], whole[-1][key])
        axes.annotate(
            name, end, xytext=(5, nudge), textcoords="offset points", va=side, fontsize=11, color=color
        )
        if restored in numbers:
            axes.plot([restored], [values[numbers.index(restored)]], "o", color=color, markersize=6)
    axes.set(xlabel="epoch", ylabel=metric)
    axes.set_ymargin(0.12)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    if frame:
        axes.set(xlim=frame[:2], ylim=frame[2:])
    if restored in numbers:
        mark_epoch(axes, restored, text=f"epoch {restored} kept", left=restored > sum(axes.get_xlim()) / 2)


def mark_epoch(axes: Axes, epoch: int, *, text: str, left: bool) -> None:
    """A dashed line at `epoch` with `text` at its top, on its left or right side."""
    axes.axvline(epoch, color=MUTED, linewidth=1, linestyle=DASHED, zorder=1)
    axes.annotate(
        text,
        (epoch, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(-5 if left else 5, -3),
        textcoords="offset points",
        ha="right" if left else "left",
        va="top",
        fontsize=11,
        color=MUTED,
    )


def roc(predictions: Predictions) -> str:
    """The ROC curve with its area and a mark at the threshold of the model."""
    false_positive, true_positive, area = predictions.roc()
    (true_negatives, false_positives), (false_negatives, true_positives) = predictions.confusion
    with drawing() as (figure, axes):
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=DASHED)
        axes.fill_between(false_positive, true_positive, color=FIRST, alpha=0.12, linewidth=0)
        axes.plot(false_positive, true_positive, color=FIRST, linewidth=2)
        cut = (
            false_positives / (false_positives + true_negatives),
            true_positives / (true_positives + false_negatives),
        )
        axes.plot(*cut, "o", color=SECOND, markersize=7)
        axes.annotate(
            f"cut at {predictions.threshold:.4g}",
            cut,
            xytext=(9, -5),
            textcoords="offset points",
            va="top",
            fontsize=11,
            color=SECOND,
        )
        axes.text(0.97, 0.08, f"AUC {area:.4f}", ha="right", fontsize=17, fontweight="bold", color=FIRST)
        axes.set(xlabel="false positive rate", ylabel="true positive rate")
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02))
        return inline_svg(figure, name="roc", label=f"ROC curve; the area under it is {area:.4f}")


def reliability(
    calibration: Calibration,
    *,
    positive: str = CLASSES[1],
    axes_labels: tuple[str, str] | None = None,
) -> str:
    """Observed against predicted shares of positive examples; larger dots are of more examples.

    axes_labels: what is predicted and what observed, where that is not the positive class.
    """
    predicted, observed = axes_labels or (
        f"predicted probability of {positive}",
        f"observed share of {positive}",
    )
    with drawing() as (figure, axes):
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=DASHED)
        used = calibration.counts[calibration.counts > 0]
        axes.vlines(
            calibration.predicted, calibration.predicted, calibration.observed, color=BAD, linewidth=1.5
        )
        axes.plot(calibration.predicted, calibration.observed, color=FIRST, linewidth=1, alpha=0.5)
        axes.scatter(
            calibration.predicted, calibration.observed, s=24 + 260 * used / used.max(), color=FIRST, zorder=3
        )
        # The predicted class of many is rarely improbable, so that the points are on the right.
        place, side, height = (0.0, "left", 0.97) if axes_labels is None else (1.0, "right", 0.12)
        axes.text(
            place,
            height,
            f"ECE {calibration.error:.4f}",
            ha=side,
            va="top",
            fontsize=17,
            fontweight="bold",
            color=FIRST,
        )
        axes.set(xlabel=predicted, ylabel=observed)
        axes.set(xlim=(-0.04, 1.04), ylim=(-0.04, 1.04))
        label = f"Reliability diagram; the expected calibration error is {calibration.error:.4f}"
        return inline_svg(figure, name="reliability", label=label)


def certainty(predictions: Predictions) -> str:
    """The histogram of the probabilities, positive examples above the axis and negative ones below."""
    import numpy as np

    with drawing(left=0.85) as (figure, axes):
        edges = np.linspace(0, 1, 41)
        negative, positive = predictions.classes
        for truth, sign, name in ((1, 1, f"{positive} examples"), (0, -1, f"{negative} examples")):
            mine = predictions.label == truth
            for right, color in ((True, GOOD), (False, BAD)):
                counts, _ = np.histogram(predictions.probability[mine & (predictions.right == right)], edges)
                axes.stairs(sign * counts, edges, fill=True, color=color, linewidth=0)
            axes.text(0.5, 0.97 if sign > 0 else 0.03, name, transform=axes.transAxes, ha="center",
                      va="top" if sign > 0 else "bottom", fontsize=11, color=MUTED)  # fmt: skip
        axes.axhline(0, color=MUTED, linewidth=0.8)
        axes.set_yscale("symlog", linthresh=10)
        largest = max(map(abs, axes.get_ylim()))
        axes.set_ylim(-2.2 * largest, 2.2 * largest)
        axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):,.0f}")
        axes.minorticks_off()
        axes.set(xlabel=f"predicted probability of {positive}", ylabel="examples (logarithmic)")
        label = f"Probabilities given to {positive} and to {negative} examples"
        return inline_svg(figure, name="certainty", label=label)


def slices(
    accuracies: Mapping[str, Interval],
    *,
    overall: float,
    floors: Mapping[str, float] | None = None,
    name: str = "slices",
) -> str:
    """Accuracy by slice with its interval, the overall accuracy and the slice's floor.

    name: that of the chart, unique in the page.
    """
    floors = floors or {}
    with drawing(height=max(2.0, 0.9 + 0.66 * len(accuracies)), left=0.25, right=0.25) as (figure, axes):
        for row, (slice_name, interval) in enumerate(accuracies.items()):
            axes.barh(
                row, interval.upper - interval.lower, left=interval.lower, height=0.34, color=FIRST, alpha=0.3
            )
            axes.plot(
                [interval.value] * 2,
                [row - 0.17, row + 0.17],
                color=FIRST,
                linewidth=3,
                solid_capstyle="butt",
            )
            axes.vlines(overall, row - 0.17, row + 0.17, color=MUTED, linewidth=1, linestyle=DASHED)
            for place, side, text in (
                (0, "left", f"{slice_name}, {interval.count:,} examples"),
                (1, "right", f"{interval.value:.3f}"),
            ):
                axes.text(
                    place,
                    row - 0.23,
                    text,
                    transform=axes.get_yaxis_transform(),
                    ha=side,
                    va="bottom",
                    fontsize=11,
                )
            if slice_name in floors:
                axes.plot([floors[slice_name]], [row], "|", color=BAD, markersize=20, markeredgewidth=2)
        axes.set(xlabel="accuracy", ylim=(len(accuracies) - 0.6, -0.8))
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        return inline_svg(figure, name=name, label="Accuracy by slice with intervals")


def lengths(quantiles: Mapping[str, Sequence[float]]) -> str:
    """The lengths of the examples of each split in words, at each decile (11 ascending numbers per split)."""
    from matplotlib.ticker import LogFormatter

    with drawing(height=max(1.9, 1.0 + 0.45 * len(quantiles))) as (figure, axes):
        for row, (deciles, color) in enumerate(
            zip(quantiles.values(), SPLIT_COLORS * len(quantiles), strict=False)
        ):
            axes.plot([deciles[0], deciles[10]], [row, row], color=color, linewidth=1, alpha=0.6)
            for low, high, alpha in ((1, 9, 0.25), (3, 7, 0.55)):
                axes.barh(
                    row,
                    deciles[high] - deciles[low],
                    left=deciles[low],
                    height=0.5,
                    color=color,
                    alpha=alpha,
                )
            axes.plot(
                [deciles[5]] * 2, [row - 0.25, row + 0.25], color=INK, linewidth=2, solid_capstyle="butt"
            )
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}" if value >= 1 else "")
        # The default writes formulas, which the page would show as they are.
        axes.xaxis.set_minor_formatter(LogFormatter(minor_thresholds=(2, 0.5)))
        axes.set_yticks(range(len(quantiles)), list(quantiles))
        axes.set(xlabel="words in a text")
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        return inline_svg(figure, name="lengths", label="Length of the texts by split")
