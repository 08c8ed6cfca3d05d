"""What TFMA reads, and its metrics against those of the verdict, on a slice of ten reviews."""

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from tensorflow_model_analysis import analyze_raw_data
from tensorflow_model_analysis.proto.config_pb2 import (
    EvalConfig,
    MetricConfig,
    MetricsSpec,
    ModelSpec,
    SlicingSpec,
)

from components.errors import GreenlightError
from components.evaluator.gate import TFMA_NAMES
from components.evaluator.judgment import metrics
from components.evaluator.predictions import Predictions
from components.evaluator.tfma.agreement import TOLERANCE, _ranges, check_agreement
from components.evaluator.tfma.inputs import write_examples

LENGTH = "under 125 words"
LABEL = np.array([1] * 5 + [0] * 5, np.int8)
SURE = np.array([0.9, 0.8, 0.7, 0.2, 0.6, 0.1, 0.2, 0.3, 0.9, 0.4], np.float32)


def with_score(index: int, score: float) -> np.ndarray:
    probability = SURE.copy()
    probability[index] = score
    return probability


def agree(ours: np.ndarray, theirs: np.ndarray) -> None:
    """Raises where the metrics of two arrays of probabilities differ by too much."""
    predictions = Predictions(
        text=np.full(10, "a film", object),
        label=LABEL,
        length=np.full(10, LENGTH, object),
        probability=ours,
        baseline_probability=None,
    )
    found = {name: metrics.METRICS[name](LABEL, theirs) for name in TFMA_NAMES}
    check_agreement({"overall": found, f"length:{LENGTH}": found}, predictions)


@pytest.mark.parametrize("index", [4, 9], ids=["a positive review", "a negative review"])
@pytest.mark.parametrize(("ours", "theirs"), [(0.5, 0.4999999), (0.4999999, 0.5)])
def test_one_other_label_is_a_disagreement(index, ours, theirs):
    with pytest.raises(
        GreenlightError, match=r"TFMA measured accuracy = 0\.\d+ on overall, the verdict 0\.\d+"
    ):
        agree(with_score(index, ours), with_score(index, theirs))


def test_the_same_labels_agree():
    agree(with_score(4, 0.5), with_score(4, 0.5000001))


def test_many_probabilities_of_next_to_nothing_agree():
    """TFMA's own area for one positive that shares its first two buckets with most negatives."""
    chance = np.random.default_rng(1)
    positive = np.append(chance.uniform(0.3, 1, 82), 1.33e-4)
    negative = np.append(chance.uniform(0, 1.9e-4, 2_150), chance.uniform(2e-4, 0.1, 140))
    negative[:2_000] /= 10
    label = np.repeat([1, 0], [len(positive), len(negative)])
    probability = np.append(positive, negative).astype(np.float32)
    config = EvalConfig(
        model_specs=[ModelSpec(label_key="label", prediction_key="prediction")],
        slicing_specs=[SlicingSpec()],
        metrics_specs=[MetricsSpec(metrics=[MetricConfig(class_name="AUC")])],
    )
    rows = pd.DataFrame({"label": label.astype(float), "prediction": probability})
    (measured,) = analyze_raw_data(rows, config).get_metrics_for_all_slices().values()
    theirs = measured["auc"]["doubleValue"]
    assert metrics.auc(label, probability) - theirs > 2 * TOLERANCE  # else the test shows nothing

    for classes in (2, 3):
        text = np.full(len(label), "a film", object)
        scores = np.stack([1 - probability, probability, np.zeros_like(probability)], axis=1)[:, :classes]
        found = Predictions(
            text=text,
            label=label.astype(np.int8),
            length=text,
            probability=probability if classes == 2 else scores.max(axis=1),
            probabilities=None if classes == 2 else scores,
        )
        areas = dict(_ranges(found))
        lowest, _, highest = areas["auc" if classes == 2 else "auc of 1"]
        assert lowest <= theirs <= highest


def test_precision_may_be_undefined():
    below = np.where(SURE >= 0.5, 0.4999999, SURE).astype(np.float32)

    assert np.isnan(metrics.precision(LABEL, below))
    agree(below, below)


def test_many_predictions_fill_several_files(tmp_path):
    count = 10_001
    probability = np.linspace(0, 1, count, dtype=np.float32)
    label = np.arange(count, dtype=np.int8) % 2
    lengths = np.full(count, "under 125 words", object)
    found = Predictions(text=lengths, label=label, length=lengths, probability=probability)

    examples = write_examples(found, str(tmp_path), "test")

    files = sorted((tmp_path / "Split-test").iterdir())
    assert examples.split_names == '["test"]' and len(files) == 2
    records = tf.data.TFRecordDataset([str(file) for file in files])
    spec = {
        "label": tf.io.FixedLenFeature([], tf.int64),
        "greenlight.candidate": tf.io.FixedLenFeature([], tf.float32),
    }
    (read,) = (tf.io.parse_example(batch, spec) for batch in records.batch(count))
    np.testing.assert_array_equal(read["greenlight.candidate"], probability)
    np.testing.assert_array_equal(read["label"], label)
