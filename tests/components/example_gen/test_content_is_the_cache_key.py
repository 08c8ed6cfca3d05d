"""The stage in TFX's own orchestrator: what takes it from the cache, and what does not."""

import os
import shutil
from unittest import mock

import pytest
from ml_metadata.proto import metadata_store_pb2

from components.example_gen.sources import parts as sources

Execution = metadata_store_pb2.Execution


def test_the_content_of_the_source_is_the_cache_key(run, write_csv, tmp_path):
    first = write_csv("here/reviews.csv", [("fine", 1), ("dull", 0)])
    assert run(first) == Execution.COMPLETE
    os.utime(first, (1, 1))
    assert run(first) == Execution.CACHED
    moved = tmp_path / "there.csv"
    shutil.move(first, moved)
    assert run(moved) == Execution.CACHED
    moved.write_bytes(moved.read_bytes().replace(b"dull", b"Dull"))
    assert run(moved) == Execution.COMPLETE


def test_a_setting_of_the_trainer_reads_nothing_again(run, write_csv):
    source = write_csv("reviews.csv", [("fine", 1), ("dull", 0)])
    assert run(source) == Execution.COMPLETE
    assert run(source, threshold=0.7) == Execution.CACHED
    assert run(source, threshold={"recall_at_precision": 0.9}) == Execution.CACHED
    (examples,) = run.store().get_artifacts_by_type("Examples")
    assert "threshold" not in examples.custom_properties["data_settings"].string_value


def test_a_source_that_cannot_be_read_leaves_a_failed_execution(run, tmp_path):
    with pytest.raises(Exception, match="no file matches"):
        run(tmp_path / "nothing.csv")
    assert [execution.last_known_state for execution in run.executions()] == [Execution.FAILED]


def test_no_error_of_the_fingerprint_leaves_an_execution_running_or_a_way_to_its_output(
    run, write_csv, monkeypatch
):
    source = write_csv("reviews.csv", [("fine", 1), ("dull", 0)])
    monkeypatch.setattr(sources, "fingerprint", mock.Mock(side_effect=RuntimeError("the disk is away")))
    assert [run(source), run(source)] == [Execution.COMPLETE] * 2


@pytest.mark.proof
def test_of_spans_content_and_number_are_the_key_and_how_they_were_chosen_is_not(run, write_csv, tmp_path):
    write_csv("here/span-1/a.csv", [("fine", 1), ("dull", 0)])
    write_csv("here/span-2/a.csv", [("good", 1)])
    assert run(f"{tmp_path}/here/span-{{SPAN}}/*") == Execution.COMPLETE
    os.utime(tmp_path / "here/span-2/a.csv", (1, 1))
    (tmp_path / "here").rename(tmp_path / "there")
    (tmp_path / "there/span-1/a.csv").rename(tmp_path / "there/span-1/b.csv")
    there = f"{tmp_path}/there/span-{{SPAN}}/*.csv"
    assert run(there, window=2) == Execution.CACHED
    write_csv("there/span-3/a.csv", [("new", 0)])
    assert run(there, span=2) == Execution.CACHED
    assert run(there, without_spans=(3,)) == Execution.CACHED
    assert run(there) == Execution.COMPLETE
    (tmp_path / "there/span-3").rename(tmp_path / "there/span-4")
    assert run(there) == Execution.COMPLETE


def test_the_lineage_store_has_span_and_version_as_tfx_notes_them(run, write_csv, tmp_path):
    write_csv("span-8/v1/a.csv", [("old", 1)])
    write_csv("span-8/v2/a.csv", [("new", 1)])
    run(f"{tmp_path}/span-{{SPAN}}/v{{VERSION}}/*")
    (examples,) = run.store().get_artifacts_by_type("Examples")
    assert examples.custom_properties["span"].int_value == 8
    assert examples.custom_properties["version"].int_value == 2
    assert examples.properties["span"].int_value == 8
    assert examples.properties["version"].int_value == 2
