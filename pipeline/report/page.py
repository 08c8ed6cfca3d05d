"""The report of a run: one self-contained HTML file, for any outcome."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from components.example_gen.settings import KEEP_TOGETHER
from pipeline.lineage.runs import Run
from pipeline.report import lineage_graph, provenance, rendering, run_artifacts
from pipeline.report.gate_rows import GateRow, gate_rows, tally_of
from pipeline.report.run_artifacts import RunArtifacts
from pipeline.results.outcome import RunResult
from pipeline.workspace.layout import Workspace
from serving.storage.whole_file import write_whole

if TYPE_CHECKING:
    from pipeline.config import Settings
    from pipeline.report.predictions import Predictions

WRONG_OF_CLASS, CLASSES_SHOWN = 2, 12  # of more than two classes
WRONG_SHOWN, NEAREST_SHOWN, RIGHT_SHOWN = 6, 4, 4  # examples in each group


def write_report(run: Run, result: RunResult, settings: Settings, *, workspace: Path) -> Path:
    """Writes the page of `run` into `workspace` and returns its path; an older page of the run is replaced.

    The page names artifacts that the run did not write as missing. Equal inputs give equal bytes.
    """
    path = Workspace.at(workspace).report(run.id)
    page = render(run, result, settings, run_artifacts.gather(run))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, page)
    return path


def render(run: Run, result: RunResult, settings: Settings, found: RunArtifacts) -> str:
    """The page as HTML."""
    found = run_artifacts.with_classes(found, settings.data.class_names)
    verdict = found.verdict or {}
    conditions = gate_rows(verdict.get("conditions") or result.gate)
    template = rendering.environment().get_template("report.html")
    return template.render(
        run=run,
        result=result,
        model_name=settings.model_name,
        classes=settings.data.class_names,
        smoothing=settings.trainer.label_smoothing,
        started=_started(run),
        found=found,
        held_together=settings.data.near_duplicates == KEEP_TOGETHER,
        split=verdict.get("split", "test"),
        conditions=conditions,
        tally=tally_of(conditions),
        parts=_parts(run, found, conditions=conditions),
        charts=_charts(found, verdict),
        examples=_examples(found),
        timeline=_timeline(run),
        graph=lineage_graph.draw(run),
        settings=provenance.flat_settings(settings),
        versions=provenance.versions(),
    )


class Part(NamedTuple):
    """A section of the page; `why` is the reason if it is not `there`."""

    name: str
    title: str
    there: bool
    why: str = ""


def _parts(run: Run, found: RunArtifacts, *, conditions: Sequence[GateRow]) -> list[Part]:
    """The sections in the order of the page."""
    missing = found.missing
    return [
        Part("gate", "Gate", bool(conditions), missing.get("verdict", "")),
        Part("training", "Training", bool(found.history), missing.get("history", "")),
        Part("quality", "Quality", found.predictions is not None, missing.get("predictions", "")),
        Part("examples", "Examples", found.predictions is not None, missing.get("predictions", "")),
        Part("data", "Data", found.splits is not None or bool(found.reading), missing.get("splits", "")),
        Part("serving", "Serving", bool(found.infra), missing.get("infra", "")),
        Part("lineage", "Lineage", bool(run.stages), "No stage of this run was recorded."),
        Part("settings", "Settings", True),
    ]


def _started(run: Run) -> str:
    if not run.stages:
        return ""
    first = min(stage.started_ms for stage in run.stages) / 1000
    return datetime.datetime.fromtimestamp(first, datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")


def _charts(found: RunArtifacts, verdict: Mapping[str, Any]) -> dict[str, Any]:
    """The charts that can be drawn: name -> SVG."""
    from markupsafe import Markup

    from pipeline.report import charts
    from pipeline.report.classes import charts as class_charts

    drawn: dict[str, str] = {}
    if found.history and found.history["epochs"]:
        for metric in ("loss", "accuracy"):
            epochs, restored = found.history["epochs"], found.history.get("restored_epoch")
            drawn[metric] = charts.learning_curve(epochs, metric=metric, restored=restored)
    predictions = found.predictions
    if predictions is not None and len(predictions):
        many = predictions.probabilities is not None
        if predictions.both_classes:
            drawn["roc"] = class_charts.roc(predictions) if many else charts.roc(predictions)
        drawn["reliability"] = charts.reliability(
            predictions.calibration(),
            positive=predictions.classes[1],
            axes_labels=("probability of the predicted class", "share of correct predictions")
            if many
            else None,
        )
        if many:
            drawn["confusion"] = class_charts.confusion(predictions)
        else:
            drawn["certainty"] = charts.certainty(predictions)
        floors = {
            str(condition["slice"]).removeprefix("length:"): condition["threshold"]
            for condition in verdict.get("conditions", ())
            if condition.get("metric") == "accuracy" and condition.get("kind") == "floor"
        }
        drawn["slices"] = charts.slices(
            predictions.slices(), overall=predictions.accuracy().value, floors=floors
        )
        drawn |= _metadata_charts(predictions, verdict)
    deciles = {name: facts.words for name, facts in (found.splits or {}).items() if len(facts.words) == 11}
    if deciles:
        drawn["lengths"] = charts.lengths(deciles)
    # Safe without escaping: matplotlib and charts.py escape their text, and charts contain no texts.
    return {name: Markup(svg) for name, svg in drawn.items()}


def _metadata_charts(predictions: Predictions, verdict: Mapping[str, Any]) -> dict[str, str]:
    """Accuracy by value of each metadata column, as `slices of COLUMN`."""
    from pipeline.report import charts

    floors = {
        str(condition["slice"]): condition["threshold"]
        for condition in verdict.get("conditions", ())
        if condition.get("metric") == "accuracy" and condition.get("kind") == "floor"
    }
    return {
        f"slices of {column}": charts.slices(
            predictions.slices_of(column),
            overall=predictions.accuracy().value,
            floors={
                name.removeprefix(f"{column}:"): floor
                for name, floor in floors.items()
                if name.startswith(f"{column}:")
            },
            name=f"metadata-{number}",
        )
        for number, column in enumerate(predictions.metadata or ())
    }


def _examples(found: RunArtifacts) -> list[dict[str, Any]]:
    """The groups of examples to read, the most instructive first."""
    predictions = found.predictions
    if predictions is None:
        return []
    if predictions.probabilities is not None:
        return _examples_of_many(predictions)
    groups = (
        ("Most confident errors", "The errors with the highest confidence.",
         predictions.most_confident(right=False, per_class=WRONG_SHOWN // 2)),
        ("Nearest the threshold", f"The examples with probabilities nearest to {predictions.threshold:.4g}.",
         predictions.least_confident(count=NEAREST_SHOWN)),
        ("Most confident correct", "The correct predictions with the highest confidence.",
         predictions.most_confident(right=True, per_class=RIGHT_SHOWN // 2)),
    )  # fmt: skip
    return _shown(groups, predictions)


def _examples_of_many(predictions: Predictions) -> list[dict[str, Any]]:
    """The most confident errors on each class, and the examples nearest between two classes."""
    errors = [
        (f"Most confident errors on {name}", f"Examples of {name} that are called otherwise.",
         predictions.wrongest_of(number, count=WRONG_OF_CLASS))
        for number, name in enumerate(predictions.classes[:CLASSES_SHOWN])
    ]  # fmt: skip
    nearest = (
        "Between two classes",
        "The examples whose two most probable classes are nearly equally probable.",
        predictions.least_confident(count=NEAREST_SHOWN),
    )
    return _shown([*errors, nearest], predictions)


def _shown(groups: Iterable[tuple[str, str, list[int]]], predictions: Predictions) -> list[dict[str, Any]]:
    return [
        {"title": title, "note": note, "examples": [predictions.example(i) for i in positions]}
        for title, note, positions in groups
        if positions
    ]


def _timeline(run: Run) -> list[dict[str, Any]]:
    """Each stage with its bar: start and width in percent of the duration of the run."""
    if not run.stages:
        return []
    start = min(stage.started_ms for stage in run.stages)
    total = max(1, max(stage.finished_ms for stage in run.stages) - start)
    return [
        {
            "stage": stage,
            "left": 100 * (stage.started_ms - start) / total,
            "width": max(0.4, 100 * max(0, stage.finished_ms - stage.started_ms) / total),
        }
        for stage in run.stages
    ]
