"""A run's result: exit codes, JSON, and the file it is kept in."""

import json
import math

import numpy as np
import pytest

from components.errors import InputError
from pipeline.results.outcome import RunResult, StageTiming

CONDITION = {"metric": "accuracy", "slice": "overall", "threshold": 0.85, "value": 0.9, "passed": True}


@pytest.fixture
def result():
    return RunResult(
        verdict="promoted",
        version="3",
        model_path="/w/serving/imdb_sentiment/3",
        run="20261122-101500.000001",
        metrics={"accuracy": 0.9, "auc": 0.95},
        gate=(CONDITION,),
        epochs=16,
        stages=(StageTiming("Trainer", 61.5), StageTiming("Pusher", 0.5, cached=True)),
        seconds=93.4,
    )


@pytest.mark.parametrize(
    ("verdict", "code"), [("promoted", 0), ("unchanged", 0), ("refused", 3), ("stopped", 4), ("failed", 1)]
)
def test_each_verdict_has_its_exit_code(verdict, code):
    assert RunResult(verdict=verdict).exit_code == code


def test_a_run_that_failed_because_of_its_input_has_the_code_of_input():
    assert RunResult(verdict="failed", error="no such file", error_code=2).exit_code == 2


def test_json_has_the_promised_keys_first(result):
    data = result.to_json()
    assert list(data)[:9] == [
        "verdict", "version", "model_path", "run", "metrics", "gate", "epochs", "stages", "seconds",
    ]  # fmt: skip
    assert data["gate"] == [CONDITION]
    assert data["stages"] == [
        {"name": "Trainer", "seconds": 61.5, "cached": False},
        {"name": "Pusher", "seconds": 0.5, "cached": True},
    ]


def test_json_takes_numpy_numbers_and_has_null_for_what_json_cannot_hold():
    result = RunResult(
        verdict="refused",
        metrics={"accuracy": np.float32(0.5), "loss": math.nan, "auc": np.float64("inf")},
        gate=[{"metric": "accuracy", "passed": np.bool_(False), "value": np.int64(3)}],
    )
    data = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert data["metrics"] == {"accuracy": 0.5, "loss": None, "auc": None}
    assert data["gate"] == [{"metric": "accuracy", "passed": False, "value": 3}]


def test_what_is_saved_loads_to_the_same(result, tmp_path):
    path = tmp_path / "runs" / "a" / "result.json"
    result.save(path)
    assert RunResult.load(path).to_json() == result.to_json()
    assert [file.name for file in path.parent.iterdir()] == ["result.json"]


def test_keys_of_a_newer_release_are_ignored(result, tmp_path):
    path = tmp_path / "result.json"
    path.write_text(json.dumps(result.to_json() | {"carbon": 3}))
    assert RunResult.load(path).version == "3"


def test_a_run_that_has_not_ended_has_no_result(tmp_path):
    path = tmp_path / "result.json"
    with pytest.raises(InputError) as caught:
        RunResult.load(path)
    assert str(caught.value) == (
        f"There is no result at {path}: that run is under way, or was interrupted. Its run.log may say why."
    )


@pytest.mark.parametrize("text", ["", "[]", "{", '{"stages": [3]}', "\x00"])
def test_a_damaged_result_is_said_so(tmp_path, text):
    path = tmp_path / "result.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"cannot be read .*\. Run again, or delete the file\."):
        RunResult.load(path)
