"""A version from before there were records: the lineage store knows the examples that it was trained on."""

import shutil
from pathlib import Path

import pytest
from example_files import write_examples
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.orchestration import metadata
from tfx.orchestration.portable import data_types
from tfx.types import standard_artifacts

from components.evaluator.exposure.production import training_of
from components.evaluator.exposure.training_reviews import hashes
from components.production_model.driver import Driver
from components.production_model.executor import Executor
from components.production_model.training_examples import record_of
from serving.store.manifest import REVIEWS_NAME, Facts
from serving.versions import VersionStore

RUN = "20261101-101112.131415"


@pytest.fixture
def examples(tmp_path) -> Path:
    folder = tmp_path / "examples"
    for split, text in (("train", "learned"), ("eval", "chosen by"), ("test", "judged on")):
        write_examples(folder / f"Split-{split}" / "data-0.gz", [(text, 1)])
    return folder


@pytest.fixture
def lineage(tmp_path, examples) -> metadata.Metadata:
    """A lineage store with the examples of one run."""
    handle = metadata.Metadata(metadata.sqlite_metadata_connection_config(str(tmp_path / "metadata.sqlite")))
    with handle as opened:
        store = opened.store
        kind = store.put_artifact_type(mlmd.ArtifactType(name="Examples"))
        run = store.put_context_type(mlmd.ContextType(name="pipeline_run"))
        (context,) = store.put_contexts([mlmd.Context(type_id=run, name=RUN)])
        (artifact,) = store.put_artifacts([mlmd.Artifact(type_id=kind, uri=str(examples))])
        attribution = mlmd.Attribution(artifact_id=artifact, context_id=context)
        store.put_attributions_and_associations([attribution], [])
    return handle


def model(folder: Path, content: str) -> standard_artifacts.Model:
    artifact = standard_artifacts.Model()
    artifact.uri = str(folder / content)
    Path(artifact.uri, "Format-Serving").mkdir(parents=True)
    Path(artifact.uri, "Format-Serving", "saved_model.pb").write_text(content)
    return artifact


def fetch(tmp_path: Path, lineage: metadata.Metadata, facts: Facts, **more) -> Path:
    """The copy that driver and executor make of the live version."""
    store = VersionStore(tmp_path / "store")
    store.push(Path(model(tmp_path, "old").uri, "Format-Serving"), facts, **more)
    inputs, properties = {"candidate": [model(tmp_path, "new")]}, {"store_root": store.root}
    info = data_types.ExecutionInfo(input_dict=inputs, exec_properties=properties)
    told = Driver(lineage).run(info).exec_properties
    properties |= {name: value.string_value for name, value in told.items()}
    output = standard_artifacts.Model()
    output.uri = str(tmp_path / "copy")
    Executor().Do(inputs, {"model": [output]}, properties)
    return Path(output.uri, "Format-Serving")


def test_its_reviews_are_found_by_its_run(tmp_path, lineage):
    found = training_of(str(fetch(tmp_path, lineage, Facts(run_id=RUN))))

    assert found.problem is None
    assert found.reviews.seen(hashes(["learned", "chosen by", "judged on"])).tolist() == [True, True, False]


@pytest.mark.parametrize("run", [None, "another"])
def test_of_a_run_that_is_not_known_nothing_is_said(tmp_path, lineage, run):
    found = training_of(str(fetch(tmp_path, lineage, Facts(run_id=run))))

    assert (found.reviews, found.problem) == (None, "it was pushed before that was recorded")


def test_where_its_examples_are_gone_nothing_is_said(tmp_path, lineage, examples):
    examples.rename(tmp_path / "elsewhere")

    assert training_of(str(fetch(tmp_path, lineage, Facts(run_id=RUN)))).reviews is None


def test_the_record_of_a_newer_version_comes_with_its_copy(tmp_path, lineage):
    (tmp_path / "record").write_bytes(b"its own")
    copy = fetch(tmp_path, lineage, Facts(run_id=RUN), records={REVIEWS_NAME: str(tmp_path / "record")})

    assert (copy / REVIEWS_NAME).read_bytes() == b"its own"


@pytest.mark.parametrize("split", ["train", "eval"])
def test_examples_of_which_a_part_is_gone_give_no_record(examples, split):
    """Else the reviews that the model was trained on would count as unseen."""
    assert record_of(str(examples)) is not None
    (examples / f"Split-{split}" / "data-0.gz").unlink()
    assert record_of(str(examples)) is None


def test_examples_without_a_train_split_give_no_record(examples):
    shutil.rmtree(examples / "Split-train")
    assert record_of(str(examples)) is None
