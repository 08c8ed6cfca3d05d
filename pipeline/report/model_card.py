"""The model card of a version: purpose, data, quality and limits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.lineage.runs import Run
from pipeline.report import provenance, rendering, run_artifacts
from pipeline.report.gate_rows import gate_rows, tally_of
from pipeline.report.predictions import Predictions
from pipeline.report.run_artifacts import RunArtifacts
from pipeline.results.outcome import RunResult
from serving.storage.whole_file import write_whole

if TYPE_CHECKING:
    from pipeline.config import Settings
    from pipeline.workspace.layout import Workspace

MARKDOWN_SIGNS = re.compile(r"([\\`*_{}\[\]<>#|~&])")
METRICS = {
    "accuracy": "accuracy",
    "auc": "area under the ROC curve",
    "precision": "precision (of positive)",
    "recall": "recall (of positive)",
    "loss": "binary cross-entropy",
    "calibration": "mean calibration (1 is ideal)",
    "ece": "expected calibration error (15 bins)",
}


OF_MANY = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy (mean of the recalls)",
    "macro_f1": "macro F1",
    "weighted_f1": "weighted F1",
    "auc": "area under the ROC curve (one against the rest, mean)",
    "loss": "cross-entropy",
    "ece": "expected calibration error of the predicted class (15 bins)",
}
"""The same of more than two classes."""


class Measured(NamedTuple):
    """A metric with its confidence interval; the bounds are None where there is no interval."""

    name: str
    value: float | None
    lower: float | None
    upper: float | None


def render(run: Run, result: RunResult, settings: Settings, found: RunArtifacts) -> tuple[str, str]:
    """The card of the model that `run` trained, as Markdown and as one self-contained HTML page.

    The card names artifacts that the run did not write as missing. Equal inputs give equal text.
    """
    environment = rendering.environment().overlay(autoescape=False)
    environment.filters |= {"md": markdown_text, "code": markdown_code}
    found = run_artifacts.with_classes(found, settings.data.class_names)
    verdict = found.verdict or {}
    conditions = gate_rows(verdict.get("conditions") or result.gate)
    markdown = environment.get_template("model_card.md").render(
        run=run,
        result=result,
        settings=settings,
        classes=settings.data.class_names,
        found=found,
        split=verdict.get("split", "test"),
        metrics=tuple(_measure(found.predictions))
        if found.predictions is not None
        else _reported(result, many=len(settings.data.class_names) > 2),
        conditions=conditions,
        tally=tally_of(conditions),
        versions=provenance.versions(),
    )
    markdown = re.sub(r"\n{3,}", "\n\n", markdown).strip() + "\n"
    return markdown, _to_html(markdown, title=f"{settings.model_name}, version {result.version or '–'}")


def write(run: Run, result: RunResult, settings: Settings, *, workspace: Workspace) -> None:
    """Renders the card of the run's model into the workspace, beside the run's report."""
    card = render(run, result, settings, run_artifacts.gather(run))
    for kind, text in zip(("md", "html"), card, strict=True):
        path = workspace.model_card(run.id, kind)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text)


def markdown_text(value: Any) -> str:
    """`value` as plain text within Markdown: special characters are escaped, and it stays on its line."""
    return MARKDOWN_SIGNS.sub(r"\\\1", " ".join(str(value).split()))


def markdown_code(value: Any) -> str:
    """`value` as code in a line or a table cell. Code has no escapes, so special characters are replaced."""
    return "`" + " ".join(str(value).split()).replace("`", "'").replace("|", "\N{BROKEN BAR}") + "`"


def _names(positive: str) -> dict[str, str]:
    """METRICS with the name of the positive class."""
    return METRICS | {key: f"{key} (of {positive})" for key in ("precision", "recall")}


def _measure(predictions: Predictions) -> Iterator[Measured]:
    from components.evaluator.judgment.measures.by_name import measure_of

    label, scores = predictions.label, predictions.scores
    named = _names(predictions.classes[1]) if predictions.probabilities is None else OF_MANY
    for key, name in named.items():
        bounds = None if key == "auc" and named is OF_MANY else predictions.interval(key)
        value = measure_of(key, scores)(label, predictions.scores_for(key))
        yield Measured(name, value, *(bounds or (None, None)))


def _reported(result: RunResult, *, many: bool) -> tuple[Measured, ...]:
    names = OF_MANY if many else METRICS
    reported = ((name, result.metrics[key]) for key, name in names.items() if key in result.metrics)
    return tuple(Measured(name, value, None, None) for name, value in reported)


def _to_html(markdown: str, *, title: str) -> str:
    from markdown_it import MarkdownIt
    from markupsafe import Markup

    # Raw HTML is off, so that no part of a setting or a path becomes a tag.
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    page = rendering.environment().get_template("model_card.html")
    return page.render(title=title, body=Markup(body))
