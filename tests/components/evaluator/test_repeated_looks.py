"""How many models were judged on one test set, and what that does to the confidence of a gate."""

import json

import pytest
import tensorflow as tf
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.orchestration import metadata
from tfx.orchestration.portable import data_types
from tfx.types import standard_artifacts

from components.evaluator import driver
from components.evaluator.driver import Driver, digest_of, earlier_candidates
from components.evaluator.judgment.condition_result import corrected


@pytest.fixture
def handle(tmp_path) -> metadata.Metadata:
    return metadata.Metadata(metadata.sqlite_metadata_connection_config(str(tmp_path / "metadata.sqlite")))


def judged(store, test_set: str, candidate: str, examples: str = "") -> None:
    kind = store.put_artifact_type(mlmd.ArtifactType(name="ModelEvaluation"))
    evaluation = mlmd.Artifact(type_id=kind, uri="anywhere")
    if test_set:
        evaluation.custom_properties["test_set"].string_value = test_set
        evaluation.custom_properties["candidate"].string_value = candidate
    if examples:
        evaluation.custom_properties["judged_examples"].string_value = examples
    store.put_artifacts([evaluation])


def test_models_are_counted_once_each_and_for_each_test_set(handle):
    with handle as opened:
        for test_set, candidate in (("t", "a"), ("t", "b"), ("t", "a"), ("u", "a"), ("", "")):
            judged(opened.store, test_set, candidate)
        assert earlier_candidates(opened.store, "c", examples="1") == {"t": 2, "u": 1}


def test_judged_again_a_model_finds_the_number_that_it_found_before(handle):
    with handle as opened:
        for candidate in ("a", "b", "c"):
            judged(opened.store, "t", candidate)
        found = [earlier_candidates(opened.store, each, examples="1") for each in "abc"]
    assert found == [{}, {"t": 1}, {"t": 2}]


def test_on_other_examples_a_model_is_counted_anew(handle):
    """ "a" was judged on t first; what others were judged on u since then counts on u, and not on t."""
    with handle as opened:
        for test_set, candidate, examples in (
            ("t", "z", "1"), ("t", "a", "1"), ("t", "b", "1"), ("u", "b", "2"), ("u", "c", "2")
        ):  # fmt: skip
            judged(opened.store, test_set, candidate, examples)
        assert earlier_candidates(opened.store, "a", examples="2") == {"t": 1, "u": 2}
        assert earlier_candidates(opened.store, "a", examples="1") == {"t": 1}  # as it was: from the cache


def test_the_driver_puts_the_numbers_into_the_cache_key(handle, export_model):
    model = standard_artifacts.Model()
    model.uri = str(export_model())
    with handle as opened:
        judged(opened.store, "t", "a")
        judged(opened.store, "t", digest_of([model]))
        judged(opened.store, "t", "b")
    info = data_types.ExecutionInfo(input_dict={"model": [model], "examples": []}, exec_properties={})
    found = Driver(handle).run(info).exec_properties["earlier_candidates"].string_value
    assert json.loads(found) == {"t": 1}


def test_a_store_that_raises_an_error_of_its_own_leaves_it_to_the_executor(handle, monkeypatch):
    def lost(models):
        raise tf.errors.UnavailableError(None, None, "the bucket does not answer")

    monkeypatch.setattr(driver, "digest_of", lost)
    info = data_types.ExecutionInfo(input_dict={"model": [], "examples": []}, exec_properties={})
    assert Driver(handle).run(info).exec_properties["earlier_candidates"].string_value == ""


@pytest.mark.parametrize(("looks", "level"), [(None, 0.95), (1, 0.95), (2, 0.975), (10, 0.995)])
def test_the_error_is_shared_out_among_the_models(looks, level):
    assert corrected(0.95, looks) == pytest.approx(level)
