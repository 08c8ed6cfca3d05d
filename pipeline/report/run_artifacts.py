"""The artifacts of a run, read once for the report and the model card."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from components.evaluator.approval import STAGE as APPROVAL
from components.evaluator.settings import OVERALL
from components.evaluator.verdict import FILE_NAME as VERDICT_FILE
from components.example_gen.reading import READING_FILE, Reading
from components.example_gen.settings import TEXT_STAGE
from pipeline.lineage.runs import Artifact, Run
from pipeline.lineage.span_usage import SpansUsed, spans_of
from pipeline.report.predictions import LEVEL, Predictions

if TYPE_CHECKING:
    from components.data_check.facts import SplitFacts

T = TypeVar("T")
SPLIT_PREFIX = "Split-"


@dataclasses.dataclass(frozen=True)
class Anomaly:
    """One difference between a split and the schema."""

    split: str
    feature: str
    summary: str
    description: str


@dataclasses.dataclass(frozen=True)
class RunArtifacts:
    """The artifacts of a run for its reader; None for a missing one, with the reason in `missing`."""

    spans: SpansUsed | None
    reading: Reading | None
    splits: Mapping[str, SplitFacts] | None
    anomalies: tuple[Anomaly, ...] | None
    history: Mapping[str, Any] | None
    verdict: Mapping[str, Any] | None
    predictions: Predictions | None
    infra: Mapping[str, Any] | None
    missing: Mapping[str, str]
    check: Mapping[str, Any] | None = None
    """The result of DataCheck for the examples; see its executor."""


def gather(run: Run) -> RunArtifacts:
    """Reads the artifacts of `run`. A missing or broken one does not raise; `missing` has the reason."""
    missing: dict[str, str] = {}

    def take(what: str, *, stage: str, key: str, read: Callable[[Artifact], T]) -> T | None:
        artifact = run.output(stage, key)
        if artifact is None:
            missing[what] = why_missing(run, stage)
            return None
        try:
            return read(artifact)
        except FileNotFoundError as error:
            missing[what] = f"{stage} did not write {Path(error.filename or artifact.uri).name}."
        except Exception as error:  # a broken file leaves out its section, not the report of a failed run
            missing[what] = f"The output of {stage} cannot be read ({type(error).__name__}: {error})."
        return None

    approved = run.output(APPROVAL, "blessing") is not None
    reader = run.example_gen
    stage, key = (APPROVAL, "blessing") if approved else ("Evaluator", "evaluation")
    verdict = take("verdict", stage=stage, key=key, read=_json(VERDICT_FILE))
    return RunArtifacts(
        spans=spans_of(run),
        reading=take("reading", stage=reader.name if reader else TEXT_STAGE, key="examples", read=_reading),
        splits=take("splits", stage="StatisticsGen", key="statistics", read=_splits),
        anomalies=take("anomalies", stage="ExampleValidator", key="anomalies", read=_anomalies),
        history=take("history", stage="Trainer", key="model_run", read=_json("history.json")),
        verdict=verdict,
        predictions=take(
            "predictions", stage="Evaluator", key="evaluation", read=_predictions(_level(verdict))
        ),
        infra=take("infra", stage="InfraValidator", key="blessing", read=_json("canaries.json")),
        check=take("check", stage="DataCheck", key="verdict", read=_value),
        missing=missing,
    )


def with_classes(found: RunArtifacts, classes: tuple[str, ...]) -> RunArtifacts:
    """The same with the names of the classes, the positive one last."""
    if found.predictions is None:
        return found
    return dataclasses.replace(found, predictions=dataclasses.replace(found.predictions, classes=classes))


def why_missing(run: Run, stage: str) -> str:
    """A sentence with the reason why `stage` has no output."""
    found = run.stage(stage)
    if not run.stages:
        return "The run ended before its first stage."
    if found is None:
        failed = next((other.name for other in run.stages if other.state == "failed"), None)
        return (
            f"The run ended in {failed}, before {stage}." if failed else f"{stage} was not part of this run."
        )
    if found.state == "failed":
        return f"{stage} failed."
    return f"{stage} ({found.state}) has no output."


def _json(name: str) -> Callable[[Artifact], Any]:
    return lambda artifact: json.loads((artifact.path / name).read_text(encoding="utf-8"))


def _reading(artifact: Artifact) -> Reading:
    return Reading.from_json((artifact.path / READING_FILE).read_text(encoding="utf-8"))


def _value(artifact: Artifact) -> Any:
    return json.loads(artifact.path.read_text(encoding="utf-8"))


def _level(verdict: Mapping[str, Any] | None) -> float:
    """The confidence level at which the verdict gives the accuracy of all examples."""
    for condition in (verdict or {}).get("conditions", ()):
        overall = condition.get("slice", OVERALL) == OVERALL and condition.get("metric") == "accuracy"
        if overall and condition.get("kind") == "floor" and condition.get("confidence") is not None:
            return float(condition["confidence"])
    return LEVEL


def _predictions(level: float) -> Callable[[Artifact], Predictions]:
    def read(artifact: Artifact) -> Predictions:
        from components.evaluator import predictions

        content = (artifact.path / predictions.FILE_NAME).read_bytes()
        return Predictions.of(predictions.Predictions.from_bytes(content), level=level)

    return read


def _split_files(artifact: Artifact, name: str) -> Iterator[tuple[str, bytes]]:
    """The bytes of the file `name` of each split, train, eval and test first."""
    order = {"train": 0, "eval": 1, "test": 2}
    folders = {
        folder.name.removeprefix(SPLIT_PREFIX): folder for folder in artifact.path.glob(f"{SPLIT_PREFIX}*")
    }
    if not folders:
        raise FileNotFoundError(2, "no split", name)
    for split in sorted(folders, key=lambda split: (order.get(split, 3), split)):
        yield split, (folders[split] / name).read_bytes()


def _splits(artifact: Artifact) -> dict[str, SplitFacts]:
    """Reads the protos of TensorFlow Data Validation directly: importing that library takes ten seconds."""
    from tensorflow_metadata.proto.v0 import statistics_pb2

    from components.data_check.facts import split_facts

    return {
        name: split_facts(statistics_pb2.DatasetFeatureStatisticsList.FromString(content))
        for name, content in _split_files(artifact, "FeatureStats.pb")
    }


def _anomalies(artifact: Artifact) -> tuple[Anomaly, ...]:
    from tensorflow_metadata.proto.v0 import anomalies_pb2

    found = []
    for split, content in _split_files(artifact, "SchemaDiff.pb"):
        anomalies = anomalies_pb2.Anomalies.FromString(content)
        infos = {feature: info for feature, info in anomalies.anomaly_info.items()}
        if anomalies.HasField("dataset_anomaly_info"):
            infos["(the whole split)"] = anomalies.dataset_anomaly_info
        found += [
            Anomaly(split, feature, reason.short_description, reason.description)
            for feature, info in sorted(infos.items())
            for reason in info.reason
        ]
    return tuple(found)
