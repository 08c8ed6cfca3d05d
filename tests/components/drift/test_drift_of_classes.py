"""Drift of more than two classes: shares of the classes, predictions, errors."""

import numpy as np
import pytest
import tensorflow as tf

from components.drift import comparison
from components.drift.features import FeatureModel, Features
from components.drift.settings import DriftSettings
from components.drift.texts import Texts
from components.errors import GreenlightError

NAMES = ("business", "science", "sports", "world")


def features(size: int, *, seed: int, shares=(0.25,) * 4, right=0.9) -> Features:
    pick = np.random.default_rng(seed)
    label = pick.choice(4, size, p=shares).astype(np.int8)
    wrong = (label + pick.integers(1, 4, size)) % 4
    return Features(
        words=pick.integers(20, 400, size),
        label=label,
        seen=np.zeros(size, bool),
        probability=pick.uniform(0.4, 1, size).astype(np.float32),
        classes=np.where(pick.random(size) < right, label, wrong).astype(np.int16),
    )


REFERENCE = features(4_000, seed=0)


def found(compared: Features):
    findings, histograms = comparison.compare(
        REFERENCE, compared, DriftSettings(), served=False, classes=NAMES
    )
    return {one.name: one for one in findings}, {one.name: one for one in histograms}


def test_more_of_the_same_is_no_drift():
    findings, histograms = found(features(1_000, seed=1))
    assert not any(one.exceeded for one in findings.values())
    assert histograms["labels"].buckets == histograms["predictions"].buckets == NAMES
    assert sum(histograms["labels"].compared) == pytest.approx(1)


def test_other_shares_of_the_classes_are_found_by_labels_and_predictions():
    findings, _ = found(features(1_000, seed=2, shares=(0.2, 0.2, 0.1, 0.5)))
    assert {name for name, one in findings.items() if one.exceeded} == {"labels", "predictions"}
    assert "world, reference 2" in findings["labels"].figures
    assert findings["labels"].figures.endswith("the class that differs most")


def test_a_model_that_is_wrong_more_often_is_found():
    findings, _ = found(features(1_000, seed=3, right=0.7))
    assert findings["errors"].exceeded and not findings["labels"].exceeded


class Served(tf.Module):
    def __init__(self, *, rank: int) -> None:
        super().__init__()
        self._rank = rank

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")], autograph=False)
    def serving_default(self, text):
        chosen = tf.one_hot(tf.strings.length(text) % 4, 4) * 0.5 + 0.125
        return {"probabilities": chosen if self._rank == 2 else chosen[:, 0], "label": text}


def saved(folder, *, rank: int = 2) -> FeatureModel:
    model = Served(rank=rank)
    tf.saved_model.save(model, str(folder), signatures={"serving_default": model.serving_default})
    return FeatureModel(str(folder))


def test_the_predicted_class_and_its_probability_are_the_models(tmp_path):
    model = saved(tmp_path / "model")
    predicted = model.predicted(["a", "bb", "ccc", "dddd"])
    assert predicted.label.tolist() == [1, 2, 3, 0]
    assert predicted.confidence.tolist() == [0.625] * 4
    given = Texts(("a", "bb"), (1, None), 2)
    assert model.features(given, trained_on=np.zeros(0, np.uint64)).predicted.tolist() == [1, 2]
    assert len(model.predicted([]).probability) == 0


def test_probabilities_of_another_shape_are_refused(tmp_path):
    with pytest.raises(GreenlightError, match="gives probabilities of shape"):
        saved(tmp_path / "model", rank=1).predicted(["a"])
