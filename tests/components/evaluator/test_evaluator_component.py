import json

import numpy as np
import pytest
from tensorflow_model_analysis.proto import config_pb2 as tfma
from tfx.components.evaluator.component import Evaluator as TfxEvaluator
from tfx.types import Channel, standard_artifacts

from components.evaluator.component import evaluator
from components.evaluator.executor import Executor
from components.evaluator.gate import JUST_BELOW_HALF, eval_config
from components.evaluator.settings import GateSettings

STRICT = GateSettings(confidence=0.95)


def stage(gate: GateSettings):
    return evaluator(
        examples=Channel(type=standard_artifacts.Examples),
        model=Channel(type=standard_artifacts.Model),
        baseline_model=Channel(type=standard_artifacts.Model),
        gate=gate,
        split="test",
    )


def thresholds(gate: GateSettings) -> dict[str, tfma.MetricThreshold]:
    """Of the whole split, by metric; no metric may hold every slice to a threshold of the whole."""
    found = {}
    for metric in eval_config(gate).metrics_specs[0].metrics:
        assert not metric.HasField("threshold")
        for each in metric.per_slice_thresholds:
            assert list(each.slicing_specs) == [tfma.SlicingSpec()]
            found[metric.class_name] = each.threshold
    return found


def test_the_stage_is_tfx_s_evaluator_with_a_gate_of_its_own():
    gate = GateSettings(min_accuracy=0.9)
    built = stage(gate)

    assert isinstance(built, TfxEvaluator)
    assert built.id == "Evaluator"
    assert built.executor_spec.executor_class is Executor
    assert GateSettings.model_validate_json(built.exec_properties["gate"]) == gate
    assert json.loads(built.exec_properties["example_splits"]) == ["test"]
    assert set(built.outputs) == {"evaluation", "blessing"}


def test_another_gate_or_other_code_runs_it_again():
    usual, again, strict = (stage(gate).exec_properties for gate in (GateSettings(), GateSettings(), STRICT))

    assert usual == again
    assert usual["gate"] != strict["gate"]
    assert len(usual["code"]) == 64


def test_tfma_evaluates_both_models_overall_and_by_length():
    config = eval_config(GateSettings())

    assert [(spec.name, spec.is_baseline, spec.prediction_key) for spec in config.model_specs] == [
        ("candidate", False, "greenlight.candidate"),
        ("baseline", True, "greenlight.baseline"),
    ]
    assert {spec.model_type for spec in config.model_specs} == {"materialized_prediction"}
    assert [list(spec.feature_keys) for spec in config.slicing_specs] == [[], ["length"]]
    assert {metric.class_name for metric in config.metrics_specs[0].metrics} == {
        "ExampleCount",
        "BinaryAccuracy",
        "Precision",
        "Recall",
        "AUC",
        "Calibration",
    }


def test_tfma_gets_the_thresholds_that_it_has_words_for():
    found = thresholds(GateSettings(min_accuracy=0.8, min_change=-0.01, min_examples=60))

    assert set(found) == {"ExampleCount", "BinaryAccuracy"}
    assert found["ExampleCount"].value_threshold.lower_bound.value == pytest.approx(60)
    assert found["BinaryAccuracy"].value_threshold.lower_bound.value == pytest.approx(0.8)
    assert found["BinaryAccuracy"].change_threshold.absolute.value == pytest.approx(-0.01)


def test_limits_that_are_off_give_tfma_no_threshold():
    off = GateSettings(min_accuracy="off", min_change="off", max_calibration_error=0.1)

    assert set(thresholds(off)) == {"ExampleCount"}
    assert not thresholds(GateSettings(min_accuracy="off"))["BinaryAccuracy"].HasField("value_threshold")
    assert not thresholds(GateSettings(min_change="off"))["BinaryAccuracy"].HasField("change_threshold")


def test_the_cut_is_the_last_float32_below_one_half():
    assert np.nextafter(np.float32(0.5), np.float32(0)) == JUST_BELOW_HALF
