"""The charts of more than two classes: confusion matrix and ROC curves of one class against the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.report.chart_style import BAD, DASHED, FIRST, GOOD, GRID, INK, MUTED, drawing, inline_svg

if TYPE_CHECKING:
    from pipeline.report.predictions import Predictions

LONGEST = 14
"""Characters of the name of a class on an axis."""
NUMBERED = 10
"""Up to so many classes, each cell of the matrix has its number; beyond, only shades are legible."""


LONGEST_OF_MANY, NAMED = 26, 40
"""The same for more than NUMBERED classes, whose matrix is wider; and the names that have room on an axis."""


def short(name: str, longest: int = LONGEST) -> str:
    """The name, cut to so many characters."""
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def confusion(predictions: Predictions) -> str:
    """The confusion matrix: rows are the true classes, shades the share of a row, numbers the counts."""
    from matplotlib.patches import Rectangle

    matrix, size = predictions.confusion, len(predictions.classes)
    many = size > NUMBERED
    names = [short(name, LONGEST_OF_MANY if many else LONGEST) for name in predictions.classes]
    widest = max(map(len, names))
    left = 0.45 + 0.085 * widest
    width, height = (8.2, 8.1 - left) if many else (4.5, max(2.9, 4.4 - left))
    with drawing(width=width, height=height + 0.07 * widest + 0.35, left=left) as (figure, axes):
        bottom = (0.42 + 0.075 * widest) / figure.get_figheight()
        figure.subplots_adjust(bottom=bottom)
        for truth in range(size):
            total = max(int(matrix[truth].sum()), 1)
            for answer in range(size):
                count = int(matrix[truth][answer])
                color = GOOD if truth == answer else BAD
                share = count / total
                axes.add_patch(
                    Rectangle((answer - 0.47, truth - 0.47), 0.94, 0.94, color=GRID, alpha=0.45, linewidth=0)
                )
                if count:
                    axes.add_patch(
                        Rectangle(
                            (answer - 0.47, truth - 0.47),
                            0.94,
                            0.94,
                            color=color,
                            alpha=0.06 + 0.6 * share,
                            linewidth=0,
                        )
                    )
                if size <= NUMBERED and count:
                    axes.text(
                        answer,
                        truth,
                        f"{count:,}",
                        ha="center",
                        va="center",
                        color=INK,
                        fontsize=11.5 if size <= 5 else 8.5,
                        fontweight="bold" if truth == answer else "normal",
                    )
        axes.set(xlim=(-0.5, size - 0.5), ylim=(size - 0.5, -0.5), xlabel="predicted", ylabel="true class")
        # Of many classes not every name has room.
        step = -(-size // NAMED)
        fontsize = 9 if many else 11
        axes.set_xticks(
            range(0, size, step), names[::step], rotation=90 if widest > 3 else 0, fontsize=fontsize
        )
        axes.set_yticks(range(0, size, step), names[::step], fontsize=fontsize)
        axes.tick_params(length=0)
        axes.grid(visible=False)
        for spine in axes.spines.values():
            spine.set_visible(False)
        told = f"Confusion matrix of {size} classes; {int(matrix.trace()):,} of {int(matrix.sum()):,} correct"
        return inline_svg(figure, name="confusion", label=told)


def roc(predictions: Predictions) -> str:
    """The ROC curve of each class against the rest; the classes with the smallest areas by name."""
    curves = {
        name: predictions.roc_of(number)
        for number, name in enumerate(predictions.classes)
        if 0 < int((predictions.label == number).sum()) < len(predictions)
    }
    areas = {name: area for name, (_, _, area) in curves.items()}
    mean = sum(areas.values()) / len(areas)
    worst = min(areas, key=lambda name: areas[name])
    with drawing() as (figure, axes):
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=DASHED)
        for name, (false_positive, true_positive, _) in curves.items():
            least = name == worst
            axes.plot(
                false_positive,
                true_positive,
                color=BAD if least else FIRST,
                linewidth=2 if least else 1.2,
                alpha=1 if least else 0.55,
                zorder=3 if least else 2,
            )
        axes.text(0.97, 0.17, f"mean AUC {mean:.4f}", ha="right", fontsize=17, fontweight="bold", color=FIRST)
        axes.text(0.97, 0.07, f"lowest {short(worst)} {areas[worst]:.4f}", ha="right", fontsize=12, color=BAD)
        axes.set(xlabel="false positive rate", ylabel="true positive rate")
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02))
        label = f"ROC curves of {len(areas)} classes against the rest; the mean area is {mean:.4f}"
        return inline_svg(figure, name="roc", label=label)
