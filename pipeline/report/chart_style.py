"""The style of charts, and the embedding of figures in a page."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Each color has a name in the page's style sheet, so that an inline chart follows a dark theme.
INK, MUTED, GRID = "#1c2321", "#5b6662", "#dfe4e1"
FIRST, SECOND, THIRD = "#0b6e99", "#c2570c", "#7a5195"
GOOD, BAD = "#1a7f4b", "#c03535"
COLORS = {
    INK: "ink", MUTED: "muted", GRID: "line",
    FIRST: "first", SECOND: "second", THIRD: "third", GOOD: "good", BAD: "bad",
}  # fmt: skip
SPLIT_COLORS = (FIRST, SECOND, THIRD)
STYLE = {
    "svg.fonttype": "none",  # text stays text: small files and the reader's fonts
    "svg.hashsalt": "greenlight",
    "text.parse_math": False,  # a dollar sign in a name does not start a formula
    "font.size": 12,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 11.5,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
}
WIDTH, HEIGHT = 4.5, 3.3  # inches: about the width of a phone, so that text is not scaled there
DASHED = (0, (3, 3))


@contextmanager
def drawing(
    *, width: float = WIDTH, height: float = HEIGHT, left: float = 0.68, right: float = 0.12
) -> Iterator[tuple[Figure, Axes]]:
    """A figure in the report's style and its axes, without pyplot. All sizes are in inches.

    Fixed margins take half the time of matplotlib's layout engines and align charts side by side.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height))
        axes = figure.subplots()
        figure.subplots_adjust(
            left=left / width, right=1 - right / width, bottom=0.58 / height, top=1 - 0.12 / height
        )
        yield figure, axes


def image(figure: Figure, *, kind: str) -> bytes:
    """`figure` as a file on white, `kind` png or svg; without a date, so that it is reproducible."""
    buffer = io.BytesIO()
    unsigned: dict[str, str | None] = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
    figure.savefig(buffer, format=kind, dpi=150, facecolor="white", metadata=unsigned)
    return buffer.getvalue()


def inline_svg(figure: Figure, *, name: str, label: str) -> str:
    """`figure` as an <svg> element for a page: described by `label`, colored by the page's style sheet.

    `name` must be unique in the page: the ids of the chart's elements contain it.
    """
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(url\(#|href="#)', rf"\g<1>{name}-", svg)
    for color, variable in COLORS.items():
        svg = svg.replace(color, f"var(--{variable})")
    opening = f'<svg class="chart" role="img" aria-label="{_attribute(label)}"'
    svg = re.sub(r"<svg (?=[^>]*viewBox)", opening + " ", svg, count=1)
    return re.sub(r' (?:width|height)="[\d.]+pt"', "", svg, count=2)


def _attribute(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
