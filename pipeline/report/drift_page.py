"""The drift report: one self-contained HTML file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.report import drift_charts, rendering
from serving.storage.whole_file import write_whole

if TYPE_CHECKING:
    from components.drift.findings import DriftReport
    from pipeline.workspace.layout import Workspace

_TITLES = {
    "length": "words of a text",
    "unknown_words": "share of unknown words",
    "labels": "labels",
    "predictions": "probability of positive",
}
_LONGEST_NAME = 80


def write(report: DriftReport, *, model_name: str, workspace: Workspace) -> Path:
    """Writes the page and returns its path; an older page of the same comparison is replaced."""
    path = workspace.drift_report(page_name(report))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, render(report, model_name=model_name))
    return path


def page_name(report: DriftReport) -> str:
    """The file name of a comparison: the sample, and the reference unless it is the training data."""
    words = [Path(report.what).name]
    if report.reference.startswith("span"):
        words.append(f"against {report.reference}")
    return re.sub(r"[^A-Za-z0-9._-]+", "-", " ".join(words)).strip("-.")[-_LONGEST_NAME:] or "drift"


def render(report: DriftReport, *, model_name: str) -> str:
    """The page as HTML. The same report gives the same bytes."""
    from markupsafe import Markup

    judged = [finding for finding in report.findings if finding.value is not None]
    return (
        rendering.environment()
        .get_template("drift.html")
        .render(
            report=report,
            model_name=model_name,
            judged=len(judged),
            # Safe without escaping: matplotlib escapes its text, and charts contain no text of the data.
            thresholds=Markup(drift_charts.thresholds(judged)) if judged else None,
            histograms=[
                (_TITLES[histogram.name], Markup(drift_charts.both_sides(histogram)))
                for histogram in report.histograms
            ],
        )
    )
