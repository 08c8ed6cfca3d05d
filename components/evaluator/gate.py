"""The conversion of GateSettings to tfma.EvalConfig: metrics, slices and thresholds."""

from collections.abc import Sequence

import numpy as np
from google.protobuf import wrappers_pb2
from tensorflow_model_analysis.constants import BASELINE_KEY, CANDIDATE_KEY, MATERIALIZED_PREDICTION
from tensorflow_model_analysis.proto import config_pb2 as tfma

from components.evaluator.settings import GateSettings
from components.evaluator.verdict import EDGE
from components.reviews import LABEL, LENGTH, SPAN

JUST_BELOW_HALF = 0.4999999701976776
"""The largest float32 below 0.5: TFMA predicts positive above its threshold, the model from 0.5 on."""

TFMA_NAMES = {
    "accuracy": "binary_accuracy",
    "auc": "auc",
    "precision": "precision",
    "recall": "recall",
    "calibration": "calibration",
    "example_count": "example_count",
}
"""Our metric names -> the keys of TFMA's results.

TFMA has no `ece`, and its cross-entropy is NaN for a probability of exactly 1, so it is not our `loss`.
"""
TFMA_NAMES_OF_MANY = {
    "accuracy": "sparse_categorical_accuracy",
    "auc": "auc",
    "example_count": "example_count",
}
"""The same for more than two classes; `auc` is the macro average of one class against the rest."""
MATRIX = "multi_class_confusion_matrix_at_thresholds"
"""The key of the confusion matrix of more than two classes, by the class with the greatest probability."""


def probabilities_of(model: str) -> str:
    """The feature of TFMA's examples with the probabilities of a model, BASELINE_KEY or CANDIDATE_KEY.

    No column of the metadata has this name.
    """
    return f"greenlight.{model}"


def eval_config(
    gate: GateSettings, *, spans: bool = False, slice_columns: Sequence[str] = (), classes: int = 2
) -> tfma.EvalConfig:
    """The tfma.EvalConfig: the predictions of both models, overall, by length bucket, span and metadata.

    Its thresholds are those that TFMA supports: examples, accuracy and its change. The verdict judges all
    conditions; the thresholds keep TFMA's validation result consistent with it. Without a baseline the
    Evaluator drops the baseline's ModelSpec and the change threshold; with left-out examples, all thresholds.

    Args:
      gate: the conditions.
      spans: whether the examples have spans.
      slice_columns: the features with metadata.
      classes: the number of classes.
    """
    columns = [LENGTH, *([SPAN] if spans else []), *slice_columns]
    return tfma.EvalConfig(
        model_specs=[
            _model_spec(CANDIDATE_KEY, is_baseline=False),
            _model_spec(BASELINE_KEY, is_baseline=True),
        ],
        slicing_specs=[
            tfma.SlicingSpec(),
            *(tfma.SlicingSpec(feature_keys=[column]) for column in columns),
        ],
        metrics_specs=_metrics_of_many(gate, classes)
        if classes > 2
        else [tfma.MetricsSpec(metrics=_metrics(gate))],
        options=tfma.Options(include_default_metrics=wrappers_pb2.BoolValue(value=False)),
    )


def at_threshold(config: tfma.EvalConfig, threshold: float) -> tfma.EvalConfig:
    """The configuration for a model of two classes with this threshold in place of 0.5."""
    found = tfma.EvalConfig()
    found.CopyFrom(config)
    just_below = float(np.nextafter(np.float32(threshold), np.float32(0)))
    for spec in found.metrics_specs:
        for metric in spec.metrics:
            metric.config = metric.config.replace(repr(JUST_BELOW_HALF), repr(just_below))
    return found


def without_thresholds(config: tfma.EvalConfig) -> tfma.EvalConfig:
    """The configuration for a split with left-out examples, which TFMA would judge, too."""
    found = tfma.EvalConfig()
    found.CopyFrom(config)
    for spec in found.metrics_specs:
        for metric in spec.metrics:
            del metric.per_slice_thresholds[:]
    return found


def _model_spec(name: str, *, is_baseline: bool) -> tfma.ModelSpec:
    return tfma.ModelSpec(
        name=name,
        is_baseline=is_baseline,
        # The models have answered already: TFMA takes the probabilities from its examples and loads none.
        model_type=MATERIALIZED_PREDICTION,
        label_key=LABEL,
        prediction_key=probabilities_of(name),
    )


def _metrics_of_many(gate: GateSettings, classes: int) -> list[tfma.MetricsSpec]:
    numbers = range(classes)
    return [
        tfma.MetricsSpec(
            metrics=[
                tfma.MetricConfig(
                    class_name="ExampleCount", per_slice_thresholds=[_overall(floor=gate.min_examples)]
                ),
                tfma.MetricConfig(
                    class_name="SparseCategoricalAccuracy", per_slice_thresholds=_accuracy_thresholds(gate)
                ),
                # Precision and recall of each class are those of one matrix. With metrics of their own, TFMA
                # counts every example 2 K times in every slice: half of the evaluation of 20 classes.
                tfma.MetricConfig(class_name="MultiClassConfusionMatrixPlot"),
                tfma.MetricConfig(
                    class_name="MultiClassConfusionMatrixAtThresholds", config='"thresholds": [0.0]'
                ),
            ]
        ),
        tfma.MetricsSpec(
            binarize=tfma.BinarizationOptions(class_ids={"values": numbers}),
            metrics=[tfma.MetricConfig(class_name="AUC")],
            aggregate=tfma.AggregationOptions(macro_average=True, class_weights=dict.fromkeys(numbers, 1.0)),
        ),
    ]


def _metrics(gate: GateSettings) -> list[tfma.MetricConfig]:
    threshold = f'"thresholds": {JUST_BELOW_HALF!r}'
    return [
        tfma.MetricConfig(
            class_name="ExampleCount", per_slice_thresholds=[_overall(floor=gate.min_examples)]
        ),
        tfma.MetricConfig(
            class_name="BinaryAccuracy",
            config=f'"threshold": {JUST_BELOW_HALF!r}',
            per_slice_thresholds=_accuracy_thresholds(gate),
        ),
        tfma.MetricConfig(class_name="Precision", config=threshold),
        tfma.MetricConfig(class_name="Recall", config=threshold),
        tfma.MetricConfig(class_name="AUC"),
        tfma.MetricConfig(class_name="Calibration"),
    ]


def _accuracy_thresholds(gate: GateSettings) -> list[tfma.PerSliceMetricThreshold]:
    if gate.min_accuracy is None and gate.min_change is None:
        return []
    return [_overall(floor=gate.min_accuracy, change=gate.min_change)]


def _overall(*, floor: float | None, change: float | None = None) -> tfma.PerSliceMetricThreshold:
    """A threshold for the whole split only; MetricConfig.threshold would apply to every slice."""
    threshold = tfma.MetricThreshold()
    if floor is not None:
        threshold.value_threshold.lower_bound.value = floor - EDGE
    if change is not None:
        threshold.change_threshold.absolute.value = change - EDGE
        threshold.change_threshold.direction = tfma.HIGHER_IS_BETTER
    return tfma.PerSliceMetricThreshold(slicing_specs=[tfma.SlicingSpec()], threshold=threshold)
