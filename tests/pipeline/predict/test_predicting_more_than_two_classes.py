"""`greenlight predict`, `batch-predict` and `greenlight.load` with a model of three classes."""

import csv
import io
import json

import pytest
import tensorflow as tf
from conftest import push
from multiclass_model import NAMES

import greenlight
from components.batch_prediction.unlabeled import Unlabeled
from pipeline.predict.output import TerminalTable
from pipeline.predict.rows import Predicted
from serving.transports.calls import prediction

TEXTS = ["spam, spam", "an offer"]
COLUMNS = [f"probability_{name}" for name in NAMES]


@pytest.fixture
def workspace(tmp_path, multiclass_model):
    push(tmp_path / "workspace", multiclass_model)
    return tmp_path / "workspace"


def test_a_line_of_json_has_each_class(predict, workspace):
    code, out, _ = predict(*TEXTS, workspace=workspace)
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [row["label"] for row in rows] == ["spam", "offer"]
    assert [list(row["probabilities"]) for row in rows] == [list(NAMES)] * 2
    assert [row["probability"] for row in rows] == [row["probabilities"][row["label"]] for row in rows]


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_files_get_a_column_for_each_class(predict, workspace, tmp_path, suffix):
    (tmp_path / "in.txt").write_text("\n".join(TEXTS))
    code, _, err = predict("in.txt", f"out.{suffix}", command="batch-predict", workspace=workspace)
    assert code == 0, err
    text = (tmp_path / f"out.{suffix}").read_text()
    rows = (
        list(csv.DictReader(io.StringIO(text)))
        if suffix == "csv"
        else [json.loads(line) for line in text.splitlines()]
    )
    for row, label in zip(rows, ["spam", "offer"], strict=True):
        assert list(row)[-6:] == ["predicted_label", "probability", *COLUMNS, "model_version"]
        assert row["predicted_label"] == label
        assert row["probability"] == row[f"probability_{label}"]
        assert sum(float(row[column]) for column in COLUMNS) == pytest.approx(1, abs=1e-5)


def test_tf_records_get_a_feature_for_each_class(predict, workspace, tmp_path):
    (tmp_path / "in.txt").write_text("\n".join(TEXTS))
    code, _, err = predict("in.txt", "out.tfrecord", command="batch-predict", workspace=workspace)
    assert code == 0, err
    (record, _) = tf.data.TFRecordDataset(str(tmp_path / "out.tfrecord")).as_numpy_iterator()
    feature = tf.train.Example.FromString(record).features.feature
    assert [len(feature[column].float_list.value) for column in COLUMNS] == [1, 1, 1]


def test_the_python_interface_has_a_mapping(workspace):
    with greenlight.load(workspace).live as live:
        found = live.predict(TEXTS)
        assert live.predict([]) == []
    assert [one.label for one in found] == ["spam", "offer"]
    assert [tuple(one.probabilities) for one in found] == [NAMES] * 2
    assert [one.probability for one in found] == [one.probabilities[one.label] for one in found]


def test_two_classes_have_a_mapping_too(small_workspace):
    with greenlight.load(small_workspace).live as live:
        (found,) = live.predict(["good"])
    assert found.probabilities["positive"] == found.probability
    assert found.probabilities["negative"] == pytest.approx(1 - found.probability)


def table(monkeypatch, found) -> str:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = io.StringIO()
    output = TerminalTable(stream)
    output.show([Predicted(Unlabeled(1, "a text", {}), found)])
    output.end()
    return stream.getvalue()


GREEN, RED, CYAN, MAGENTA = (f"\x1b[{number}m" for number in (32, 31, 36, 35))


@pytest.mark.parametrize(
    ("label", "output", "names", "color", "heading"),
    [
        ("positive", 0.9, ("negative", "positive"), GREEN, "probability"),
        ("negative", 0.1, (), RED, "probability"),
        ("ham", 0.1, ("ham", "spam"), CYAN, "probability of spam"),
        ("spam", 0.9, ("ham", "spam"), MAGENTA, "probability of spam"),
        ("spam", [0.1, 0.8, 0.1], NAMES, MAGENTA, "probability"),
    ],
)
def test_only_positive_and_negative_are_green_and_red(monkeypatch, label, output, names, color, heading):
    text = table(monkeypatch, prediction(label, output, names=names, version=1))
    assert f"{color}{label}" in text
    assert heading in text and ("probability of" in text) == (" of " in heading)
