"""The stages of the data check, run by their executors over examples that a test writes."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import tensorflow as tf
from example_files import write_examples
from tfx.components.example_validator.executor import Executor as ValidatorExecutor
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import standard_artifacts

from components.data_check.executor import Executor as CheckExecutor
from components.data_check.schema import SCHEMA_FILE
from components.data_check.settings import CheckSettings
from components.data_check.statistics import Executor as StatisticsExecutor
from components.data_check.statistics import stats_options
from components.embeddings.settings import EmbeddingSettings
from components.reviews import to_example

# Naming a container keeps TFX from packing itself for remote workers, which takes 2 s an executor.
IN_PROCESS = ["--direct_num_workers=1", "--direct_running_mode=in_memory", "--sdk_container_image=unused"]

SMALL = CheckSettings(min_train_examples=4, min_eval_examples=2)


def review(number: int, *, label: int | None = None) -> tf.train.Example:
    """One of many different reviews, of 3 to 302 words; every other one is positive."""
    words = 2 + number * 37 % 300
    return to_example(f"number {number}" + " word" * words, number % 2 if label is None else label)


def without(example: tf.train.Example, feature: str) -> tf.train.Example:
    del example.features.feature[feature]
    return example


class Stages:
    """Runs one stage after the other in a folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.schema = standard_artifacts.Schema()
        self.schema.uri = str(folder / "schema")
        Path(self.schema.uri).mkdir()
        (folder / "schema" / "schema.pbtxt").write_text(SCHEMA_FILE.read_text())

    def beam_context(self) -> BaseBeamExecutor.Context:
        return BaseBeamExecutor.Context(
            beam_pipeline_args=IN_PROCESS, tmp_dir=str(self.folder / "temporary"), unique_id="1"
        )

    def examples(self, splits: dict[str, Iterable[list[tf.train.Example]]]) -> standard_artifacts.Examples:
        """Writes splits, each of them a list of shards."""
        artifact = standard_artifacts.Examples()
        artifact.uri = str(self.folder / "examples")
        artifact.split_names = json.dumps(list(splits))
        artifact.set_string_custom_property("payload_format", "FORMAT_TF_EXAMPLE")
        artifact.set_string_custom_property("file_format", "tfrecords_gzip")
        for split, shards in splits.items():
            for number, shard in enumerate(shards):
                write_examples(Path(artifact.uri, f"Split-{split}", f"data_tfrecord-{number:05}.gz"), shard)
        return artifact

    def statistics(self, examples, executor=StatisticsExecutor) -> standard_artifacts.ExampleStatistics:
        artifact = standard_artifacts.ExampleStatistics()
        artifact.uri = str(self.folder / f"statistics-of-{executor.__module__}")
        properties = {"stats_options_json": stats_options().to_json(), "exclude_splits": "[]"}
        executor(self.beam_context()).Do({"examples": [examples]}, {"statistics": [artifact]}, properties)
        return artifact

    def anomalies(self, statistics) -> standard_artifacts.ExampleAnomalies:
        artifact = standard_artifacts.ExampleAnomalies()
        artifact.uri = str(self.folder / "anomalies")
        ValidatorExecutor().Do(
            {"statistics": [statistics], "schema": [self.schema]},
            {"anomalies": [artifact]},
            {"exclude_splits": "[]"},
        )
        return artifact

    def verdict(self, examples, settings: CheckSettings = SMALL, embedding: str | None = None) -> dict:
        """Everything up to the check; what it writes, unless it stops the run."""
        statistics = self.statistics(examples)
        artifact = standard_artifacts.JsonValue()
        artifact.uri = str(self.folder / "verdict")
        inputs = {
            "examples": [examples],
            "statistics": [statistics],
            "anomalies": [self.anomalies(statistics)],
        }
        properties = {"settings": settings.model_dump_json()}
        if embedding is not None:
            properties["embedding_settings"] = EmbeddingSettings(name=embedding).model_dump_json()
        CheckExecutor().Do(inputs, {"verdict": [artifact]}, properties)
        return json.loads(Path(artifact.uri).read_text())


@pytest.fixture
def stages(tmp_path) -> Stages:
    return Stages(tmp_path)


@pytest.fixture(scope="session")
def reviews_from() -> Callable[..., list[tf.train.Example]]:
    """Reviews by their numbers."""

    def some(start: int, count: int, *, label: int | None = None) -> list[tf.train.Example]:
        return [review(number, label=label) for number in range(start, start + count)]

    return some


@pytest.fixture(scope="session")
def lacking() -> Callable[..., tf.train.Example]:
    """A review without one of its features."""
    return lambda feature: without(review(0), feature)
