"""Runs the stage over real Beam, and a few hundred of the real reviews."""

import csv
import json
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest
import tensorflow as tf
from google.protobuf.message import Message
from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.orchestration import metadata
from tfx.orchestration.beam.beam_dag_runner import BeamDagRunner
from tfx.orchestration.pipeline import Pipeline
from tfx.types import standard_artifacts
from tfx.utils import proto_utils

from components.example_gen.component import TextExampleGen
from components.example_gen.executor import Executor
from components.example_gen.formats.rows import Review
from components.example_gen.settings import DataSettings
from components.example_gen.sources.packaged import PackagedPart

# Naming a container keeps TFX from packing itself for remote workers, which takes 2 s an executor.
IN_PROCESS = ["--direct_num_workers=1", "--direct_running_mode=in_memory", "--sdk_container_image=unused"]


class Generated:
    """What a run of the stage wrote."""

    def __init__(self, artifact: standard_artifacts.Examples):
        self.artifact = artifact
        self.folder = Path(artifact.uri)
        self.reading = json.loads((self.folder / "reading.json").read_text())

    @property
    def splits(self) -> list[str]:
        return json.loads(self.artifact.split_names)

    def shards(self, split: str) -> list[Path]:
        return sorted((self.folder / f"Split-{split}").iterdir())

    def records(self, split: str) -> list[bytes]:
        paths = [str(path) for path in self.shards(split)]
        return list(tf.data.TFRecordDataset(paths, compression_type="GZIP").as_numpy_iterator())

    def reviews(self, split: str) -> list[tuple[str, int]]:
        features = [tf.train.Example.FromString(record).features.feature for record in self.records(split)]
        return [
            (feature["text"].bytes_list.value[0].decode(), feature["label"].int64_list.value[0])
            for feature in features
        ]

    def all_reviews(self) -> list[tuple[str, int]]:
        return sorted(review for split in self.splits for review in self.reviews(split))


Generate = Callable[..., Generated]


@pytest.fixture(scope="session")
def generate(tmp_path_factory) -> Generate:
    """Runs the executor with the properties that the component compiles to, and those that a driver adds."""

    def run(settings: DataSettings, **added: str) -> Generated:
        folder = tmp_path_factory.mktemp("generated")
        properties = {
            key: proto_utils.proto_to_json(value) if isinstance(value, Message) else value
            for key, value in TextExampleGen(settings).exec_properties.items()
        }
        artifact = standard_artifacts.Examples()
        artifact.uri = str(folder / "examples")
        context = BaseBeamExecutor.Context(
            beam_pipeline_args=IN_PROCESS, tmp_dir=str(folder / "temporary"), unique_id="1"
        )
        Executor(context).Do({}, {"examples": [artifact]}, properties | added)
        return Generated(artifact)

    return run


@pytest.fixture
def run(tmp_path):
    """Runs a pipeline of this one stage; returns the state of its newest execution."""
    connection = metadata.sqlite_metadata_connection_config(str(tmp_path / "metadata.sqlite"))

    def once(source, **told) -> int:
        pipeline = Pipeline(
            pipeline_name="reviews",
            pipeline_root=str(tmp_path / "artifacts"),
            metadata_connection_config=connection,
            components=[TextExampleGen(DataSettings(source=f"files:{source}", **told))],
            enable_cache=True,
            beam_pipeline_args=["--sdk_container_image=unused"],
        )
        BeamDagRunner().run(pipeline)
        return executions()[-1].last_known_state

    def executions() -> list[metadata_store_pb2.Execution]:
        return sorted(store().get_executions(), key=lambda execution: execution.id)

    def store() -> MetadataStore:
        return MetadataStore(connection)

    once.executions, once.store = executions, store
    return once


@pytest.fixture(scope="session")
def real_reviews() -> list[Review]:
    """200 negative and 200 positive reviews of the packaged data."""
    packaged = list(PackagedPart().rows())
    return [
        *islice((review for review in packaged if review.label == 0), 200),
        *islice((review for review in packaged if review.label == 1), 200),
    ]


@pytest.fixture
def write_csv(tmp_path) -> Callable[..., Path]:
    """Writes rows (text, label) under a header, to a path in the test's folder."""

    def write(name: str, rows, header=("text", "label")) -> Path:
        return _write_csv(tmp_path / name, rows, header)

    return write


@pytest.fixture(scope="session")
def real_csv(tmp_path_factory, real_reviews) -> Path:
    """The real reviews as a CSV file, sorted by class."""
    path = tmp_path_factory.mktemp("real") / "real.csv"
    return _write_csv(path, [(review.text, review.label) for review in real_reviews], ("text", "label"))


@pytest.fixture(scope="session")
def generated(generate, real_csv) -> Generated:
    """What the stage makes of the real reviews with the default splits; for reading only."""
    return generate(DataSettings(source=f"files:{real_csv}"))


def _write_csv(path: Path, rows, header) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path
