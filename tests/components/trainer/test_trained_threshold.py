"""The threshold of a trained model: in its label, in its record, and beside it."""

import json

import numpy as np
import pytest
import tensorflow as tf
from scipy import special

from components import threshold
from components.threshold import ThresholdAim, choose
from components.trainer import fitting
from components.trainer.job import Job
from components.trainer.preparation import prepare
from components.trainer.settings import TrainerSettings
from components.trainer.train import carry_out, fit_prepared

SETTINGS = TrainerSettings(
    epochs=2,
    batch_size=64,
    hidden_units=(4,),
    learning_rate=0.01,
    scale_with_examples=False,  # no cross-fitting, which calibrates the first fit on more than eval
)
TEXTS = tf.constant(["A wonderful film, full of life.", "Dull, slow and far too long.", "", "good", "bad"])


@pytest.fixture(scope="module")
def given(embedding_settings, cache_dir, train_files, eval_files):
    return {
        "settings": SETTINGS,
        "embedding": embedding_settings,
        "cache_dir": cache_dir,
        "train_files": tuple(train_files),
        "eval_files": tuple(eval_files),
        "judged_split": "test",
    }


@pytest.fixture
def trained(given, tmp_path):
    def make(wanted=threshold.DEFAULT):
        folder = tmp_path / "model" / "Format-Serving"
        (tmp_path / "run").mkdir()
        folder.parent.mkdir()
        carry_out(Job(**given, threshold=wanted, model_dir=str(folder), run_dir=str(tmp_path / "run")))
        served = tf.saved_model.load(str(folder)).signatures["serving_default"](text=TEXTS)
        history = json.loads((tmp_path / "run" / "history.json").read_text())
        return served, history, folder.parent

    return make


def test_a_number_is_where_the_label_changes(trained):
    served, history, folder = trained(0.51)
    expected = np.where(served["probability"].numpy() >= np.float32(0.51), b"positive", b"negative")
    assert served["label"].numpy().tolist() == expected.tolist()
    assert (history["threshold"], threshold.read(str(folder))) == (0.51, 0.51)


def test_an_aim_is_chosen_on_eval_by_the_first_fit(trained, given):
    aim = ThresholdAim(recall_at_precision=0.55)
    _, history, folder = trained(aim)
    arguments = {name: given[name] for name in ("cache_dir", "judged_split")}
    files = {name: list(given[name]) for name in ("train_files", "eval_files")}
    prepared = prepare(given["settings"], given["embedding"], **arguments, **files)
    first, _ = fit_prepared(prepared, given["settings"])
    logits, labels = fitting.scored(first, prepared.evaluation)
    expected = choose(aim, labels, special.expit(logits.astype(np.float64)))
    assert history["refit"] is not None
    assert history["threshold"] == pytest.approx(expected, abs=1e-6) == threshold.read(str(folder))


def test_the_usual_threshold_has_no_record(trained):
    _, history, folder = trained()
    assert history["threshold"] == 0.5 and not (folder / "threshold.json").exists()
