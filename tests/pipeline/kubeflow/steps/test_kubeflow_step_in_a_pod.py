"""Compiled steps, run by their own command lines in a bare environment."""

import csv
import json
from pathlib import Path

import pytest
import tensorflow as tf

ROOT = Path(__file__).parents[4]


@pytest.mark.proof
def test_reading_runs_from_the_compiled_command_on_the_source_that_the_run_names(
    compile_with, step, tmp_path
):
    rows = [(f"Review number {n}: {'dull' if n % 2 else 'fine'}.", 1 - n % 2) for n in range(300)]
    with (tmp_path / "reviews.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
    compiled = compile_with(f"kubeflow.project_dir={ROOT}")

    reading = step(compiled, "ImdbExampleGen")
    done = reading.run(source=f"files:{tmp_path}/reviews.csv")

    assert done.returncode == 0, done.stderr
    examples = reading.output("examples")
    assert json.loads(examples["metadata"]["split_names"]) == ["train", "eval", "test"]
    assert examples["metadata"]["rows"] == 300
    shards = [str(path) for path in (tmp_path / "examples").glob("Split-*/*")]
    records = tf.data.TFRecordDataset(shards, compression_type="GZIP").as_numpy_iterator()
    texts = [
        tf.train.Example.FromString(record).features.feature["text"].bytes_list.value[0] for record in records
    ]
    assert sorted(text.decode() for text in texts) == sorted(text for text, _ in rows)


@pytest.mark.proof
def test_a_step_ends_well_though_the_driver_adds_outputs_that_were_not_compiled(compile_with, step, tmp_path):
    schema = step(compile_with(f"kubeflow.project_dir={ROOT}"), "Schema")

    done = schema.run()

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "schema" / "schema.pbtxt").is_file()
    assert schema.outputs == {"schema"}
