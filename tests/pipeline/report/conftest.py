"""A run as the report meets it: the artifacts of every stage in a folder, and the Run that names them."""

import dataclasses
import itertools
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from tensorflow_metadata.proto.v0 import anomalies_pb2, statistics_pb2

from components.evaluator.predictions import FILE_NAME, Predictions
from components.reviews import LENGTHS
from pipeline.lineage.runs import Artifact, Run, Stage
from pipeline.results.outcome import RunResult, StageTiming

START = 1_790_000_000_000
# A line a stage: name, seconds, inputs as key=maker.key, then > and outputs as key:type.
PLAN = """
ImdbExampleGen 9.1 > examples:Examples
StatisticsGen 8.2 examples=ImdbExampleGen.examples > statistics:ExampleStatistics
Schema 0.1 > schema:Schema
ExampleValidator 0.3 statistics=StatisticsGen.statistics schema=Schema.schema > anomalies:ExampleAnomalies
DataCheck 0.1 statistics=StatisticsGen.statistics anomalies=ExampleValidator.anomalies > verdict:JsonValue
Trainer 41.6 examples=ImdbExampleGen.examples > model:Model model_run:ModelRun
ProductionModel 0.1 candidate=Trainer.model > model:Model
Evaluator 13.4 examples=ImdbExampleGen.examples model=Trainer.model baseline_model=ProductionModel.model \
 > evaluation:ModelEvaluation blessing:ModelBlessing
InfraValidator 11.9 model=Trainer.model examples=ImdbExampleGen.examples > blessing:InfraBlessing
Pusher 0.4 model=Trainer.model model_blessing=Evaluator.blessing infra_blessing=InfraValidator.blessing \
 > pushed_model:PushedModel
"""


@dataclasses.dataclass(frozen=True)
class MadeRun:
    """A run with its artifacts on disk."""

    run: Run
    result: RunResult
    root: Path

    def path(self, stage: str, key: str) -> Path:
        return self.run.output(stage, key).path


class RunMaker:
    """Makes runs whose artifacts lie under `root`."""

    def __init__(self, root: Path):
        self.root = root

    def __call__(
        self, *, until: str = "Pusher", failed: bool = False, cached: tuple[str, ...] = ()
    ) -> MadeRun:
        """A run that went as far as the stage `until`, which `failed` or not."""
        stages: dict[str, Stage] = {}
        clock, numbers = START, itertools.count(1)
        for line in PLAN.strip().splitlines():
            left, _, right = line.partition(">")
            name, seconds, *needs = left.split()
            state = "cached" if name in cached else "failed" if failed and name == until else "complete"
            inputs = {}
            for key, source in (need.split("=") for need in needs):
                maker, _, output = source.partition(".")
                inputs[key] = stages[maker].outputs[output]
            outputs = {}
            for key, kind in (made.split(":") for made in right.split() if state != "failed"):
                outputs[key] = (self._artifact(name, key, kind, next(numbers)),)
            spent = 20 if state == "cached" else round(1000 * float(seconds))
            stages[name] = Stage(name, state, len(stages) + 1, clock, clock + spent, inputs, outputs)
            clock += spent + 200
            if name == until:
                break
        timings = tuple(
            StageTiming(stage.name, stage.seconds, cached=stage.cached) for stage in stages.values()
        )
        result = RunResult(
            verdict="promoted",
            version="3",
            run="20260921-120000.000001",
            metrics={"accuracy": 0.8905, "auc": 0.9564, "loss": 0.2703, "calibration": 1.0292, "ece": 0.024},
            stages=timings,
            seconds=(clock - START) / 1000,
        )
        return MadeRun(Run("20260921-120000.000001", tuple(stages.values())), result, self.root)

    def _artifact(self, stage: str, key: str, kind: str, number: int) -> Artifact:
        folder = self.root / "artifacts" / stage / key
        folder.mkdir(parents=True, exist_ok=True)
        write = WRITERS.get(kind)
        if write:
            write(folder)
        return Artifact(number, kind, str(folder), {})


def write_reading(folder: Path, bad: Mapping[str, int] | None = None) -> None:
    """ImdbExampleGen's account of its rows: all taken, but for `bad` ones by reason."""
    bad = bad or {}
    first = [["odd.csv", 7, reason, "what stands <there>"] for reason in bad]
    account = {
        "rows": 25_000,
        "taken": 25_000 - sum(bad.values()),
        "set_aside": 0,
        "bad": bad,
        "first_bad": first,
    }
    write_json(folder / "reading.json", account | {"failures": []})


def write_statistics(folder: Path) -> None:
    """Statistics of three splits, as StatisticsGen leaves them."""
    for split, examples in (("train", 15000), ("eval", 5000), ("test", 5000)):
        statistics = statistics_pb2.DatasetFeatureStatisticsList()
        dataset = statistics.datasets.add(num_examples=examples)
        label = dataset.features.add(name="label", type=statistics_pb2.FeatureNameStatistics.INT)
        label.num_stats.num_zeros = round(0.497 * examples)
        label.num_stats.common_stats.num_non_missing = examples
        words = dataset.features.add(name="words", type=statistics_pb2.FeatureNameStatistics.INT)
        histogram = words.num_stats.histograms.add(type=statistics_pb2.Histogram.QUANTILES)
        bounds = (10, 90, 120, 135, 152, 174, 204, 250, 325, 455, 2470)
        for low, high in itertools.pairwise(bounds):
            histogram.buckets.add(low_value=low, high_value=high, sample_count=examples / 10)
        (folder / f"Split-{split}").mkdir(exist_ok=True)
        (folder / f"Split-{split}" / "FeatureStats.pb").write_bytes(statistics.SerializeToString())


def write_anomalies(folder: Path, **reasons: str) -> None:
    """What ExampleValidator leaves: no anomaly, or one in `train` for each feature named in `reasons`."""
    for split in ("train", "eval", "test"):
        anomalies = anomalies_pb2.Anomalies()
        for feature, description in reasons.items() if split == "train" else ():
            info = anomalies.anomaly_info[feature]
            info.reason.add(short_description="Unexpected values", description=description)
        (folder / f"Split-{split}").mkdir(exist_ok=True)
        (folder / f"Split-{split}" / "SchemaDiff.pb").write_bytes(anomalies.SerializeToString())


def write_refit(folder: Path) -> None:
    """Adds a refit to the Trainer's history."""
    path = folder / "history.json"
    last = {"epoch": 19, "loss": 0.2101, "accuracy": 0.99, "seconds": 1.1}
    refit = {"reviews": 20_000, "epochs": 19, "last": last, "seconds": 22.5}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"refit": refit}))


def write_history(folder: Path) -> None:
    """24 epochs of which the 19th was kept."""
    steps = np.arange(1, 25)
    loss, val_loss = (
        0.69 * np.exp(-steps / 9) + 0.02,
        0.60 * np.exp(-steps / 5) + 0.0045 * np.abs(steps - 19) + 0.27,
    )
    accuracy, val_accuracy = 1 - 0.5 * np.exp(-steps / 7), 0.889 - 0.33 * np.exp(-steps / 4)
    columns = {"loss": loss, "accuracy": accuracy, "val_loss": val_loss, "val_accuracy": val_accuracy}
    epochs = [
        {"epoch": int(n)} | {key: float(column[n - 1]) for key, column in columns.items()} | {"seconds": 1.4}
        for n in steps
    ]
    history = {
        "epochs": epochs,
        "restored_epoch": 19,
        "stopped_epoch": 24,
        "monitor": "val_loss",
        "seconds": 33.6,
        "parameters": 2_500_833,
        "trainable_parameters": 2_500_833,
        "examples": {"train": 15000, "eval": 5000},
        "calibration": {"scale": 1.21, "offset": -0.034},
    }
    (folder / "history.json").write_text(json.dumps(history))


def write_evaluation(folder: Path, *, count: int = 400, texts: dict[int, str] | None = None) -> None:
    """A verdict with three conditions, and `count` predictions of which about 9 in 10 are right."""
    random = np.random.default_rng(1)
    label = random.integers(0, 2, count).astype(np.int8)
    lean = np.where(label == 1, 1.0, -1.0) * 2.4 + random.normal(scale=1.8, size=count)
    text = [f"Review {i} of a film, told at some length." for i in range(count)]
    for position, words in (texts or {}).items():
        text[position] = words
    found = Predictions(
        text=np.array(text, dtype=object),
        label=label,
        probability=(1 / (1 + np.exp(-lean))).astype(np.float32),
        baseline_probability=(1 / (1 + np.exp(-lean + random.normal(scale=1.2, size=count)))).astype(
            np.float32
        ),
        length=np.array([LENGTHS[i % len(LENGTHS)] for i in range(count)], dtype=object),
    )
    (folder / FILE_NAME).write_bytes(found.to_bytes())
    (folder / "verdict.json").write_text(json.dumps(verdict()))


def write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


def verdict(*, index: int = 0, **changes: object) -> dict:
    """A verdict as the Evaluator writes it; `changes` replace parts of the condition at `index`."""
    shared = {"split": "test", "slice": "overall", "confidence": 0.95, "passed": True}
    conditions = [
        {
            "metric": "accuracy",
            "kind": "floor",
            "threshold": 0.85,
            "value": 0.8905,
            "lower": 0.8816,
            "upper": 0.8989,
            "baseline": 0.8811,
            "margin": 0.0316,
            "reason": "the lower end of its interval, 0.8816, is above 0.85 by 0.0316",
        },
        {
            "metric": "accuracy",
            "kind": "change",
            "threshold": -0.002,
            "value": 0.0094,
            "lower": 0.0021,
            "upper": 0.0166,
            "baseline": 0.8811,
            "margin": 0.0041,
            "reason": "no worse than the model in production",
        },
        {
            "metric": "example_count",
            "kind": "examples",
            "threshold": 50,
            "value": 5022,
            "lower": None,
            "upper": None,
            "baseline": None,
            "margin": 4972,
            "reason": "enough examples",
        },
    ]
    conditions = [shared | condition for condition in conditions]
    conditions[index] |= changes
    metrics = {
        "accuracy": 0.8905,
        "auc": 0.9564,
        "precision": 0.88,
        "recall": 0.9,
        "loss": 0.27,
        "example_count": 5022,
    }
    return {
        "verdict": "promoted" if all(condition["passed"] for condition in conditions) else "refused",
        "split": "test",
        "conditions": conditions,
        "metrics": metrics,
        "slices": [],
        "baseline": None,
    }


NEGATION = [
    {
        "kind": kind,
        "example": example,
        "label": label,
        "example_count": count,
        "accuracy": accuracy,
        "baseline": before,
    }
    for kind, example, label, count, accuracy, before in (
        ("plain", "The film is bad.", "negative", 32, 0.96875, 0.9375),
        ("negated blame", "It is not bad at all. <b>|", "positive", 64, 0.015625, 0.0),
        ("all but plain", "", "", 205, 0.5658, 0.5512),
    )
]
"""The verdict's accuracies on sentences with a negation, with markup in a sentence."""


def write_canaries(folder: Path, *, problem: str = "", name: str = "emoji") -> None:
    """What InfraValidator found: all well, or one `problem` with the memory."""
    problems = [problem] if problem else []
    found = {
        "passed": not problems,
        "skipped": False,
        "reasons": problems,
        "checks": [
            {"name": "load", "passed": True, "problems": []},
            {"name": "memory", "passed": not problems, "problems": problems},
        ],
        "latency_ms": 2.1,
        "memory_mb": 812.0,
        "import_seconds": 6.2,
        "load_seconds": 0.9,
        "seconds": 9.8,
        "limits": {"max_latency_ms": 250.0, "max_memory_mb": 4096.0},
        "canaries": [
            {"name": "the empty text", "probability": 0.4812, "label": "negative"},
            {"name": name, "probability": None, "label": "positive"},
        ],
        "log": "",
    }
    write_json(folder / "canaries.json", found)


WRITERS = {
    "Examples": write_reading,
    "ExampleStatistics": write_statistics,
    "ExampleAnomalies": write_anomalies,
    "ModelRun": write_history,
    "ModelEvaluation": write_evaluation,
    "InfraBlessing": write_canaries,
}


@pytest.fixture(scope="session")
def promoted_run(tmp_path_factory: pytest.TempPathFactory) -> MadeRun:
    """One whole run, made once; for tests that only read."""
    return RunMaker(tmp_path_factory.mktemp("promoted"))()


@pytest.fixture
def make_run(tmp_path: Path) -> RunMaker:
    return RunMaker(tmp_path)


@pytest.fixture
def report_parts() -> ModuleType:
    """The writers of this file, for tests that change one artifact."""
    return sys.modules[__name__]
