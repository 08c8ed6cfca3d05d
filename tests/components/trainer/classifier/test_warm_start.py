import dataclasses
import shutil

import numpy as np
import pytest
import tensorflow as tf

from components.embeddings import text_module
from components.embeddings.load import load
from components.embeddings.locate import locate
from components.embeddings.settings import EmbeddingSettings
from components.trainer import initialization, train
from components.trainer.classifier import model, ngrams, signatures
from components.trainer.classifier.warm_start import transfer_weights
from components.trainer.preparation import prepare
from components.trainer.settings import TrainerSettings
from serving.store.manifest import MANIFEST_NAME, Facts, Manifest, to_json

SETTINGS = TrainerSettings(epochs=2, batch_size=64, learning_rate=0.01)
TEXTS = tf.constant(["a truly wonderful film", "dull and boring", "not good , not bad"])


@pytest.fixture(scope="session")
def prepared(embedding_settings, cache_dir, train_files, eval_files):
    return prepare(
        SETTINGS, embedding_settings, cache_dir=cache_dir, train_files=train_files, eval_files=eval_files
    )


@pytest.fixture(scope="session")
def live(prepared, tmp_path_factory) -> tuple[model.Classifier, str]:
    """A trained classifier and where it is exported to."""
    classifier, _ = train.fit_prepared(prepared, SETTINGS)
    folder = str(tmp_path_factory.mktemp("live"))
    signatures.export(classifier, folder)
    return classifier, folder


def taken_over(prepared, folder, settings=SETTINGS, **changes):
    """A fresh classifier, perhaps of other things, after taking over what fits."""
    prepared = dataclasses.replace(prepared, **changes)
    classifier = prepared.fresh_classifier(settings)
    return classifier, transfer_weights(
        classifier, folder, handle=prepared.handle, vocabulary=prepared.vocabulary
    )


def test_a_model_that_fits_altogether_scores_as_the_live_one(prepared, live):
    classifier, taken = taken_over(prepared, live[1])
    assert taken.embedding and taken.head and taken.ngrams
    np.testing.assert_allclose(classifier.probability(TEXTS), live[0].probability(TEXTS), atol=1e-5)


def test_without_it_the_fresh_classifier_scores_otherwise(prepared, live):
    fresh = prepared.fresh_classifier(SETTINGS)
    assert not np.allclose(fresh.probability(TEXTS), live[0].probability(TEXTS), atol=1e-2)


def test_what_was_taken_over_is_said(prepared, live):
    _, taken = taken_over(prepared, live[1])
    size = len(prepared.vocabulary)
    assert str(taken) == (
        f"embedding: all of it; head: all of it; ngrams: the weights of {size:,} of {size:,} word n-grams"
    )


def test_a_head_of_another_shape_starts_afresh_and_is_said(prepared, live):
    classifier, taken = taken_over(prepared, live[1], TrainerSettings(hidden_units=(8,)))
    assert taken.embedding and not taken.head and taken.ngrams
    assert taken.said["head"] == (
        "starts afresh, its shapes are 50x16, 16, 17x1, 1 instead of 50x8, 8, 9x1, 1"
    )
    assert classifier.head.weights[0].shape == [50, 8]


def test_a_model_without_ngrams_takes_none(prepared, live):
    _, taken = taken_over(prepared, live[1], vocabulary=None)
    assert taken.said["ngrams"] == "starts afresh, the new model has none"
    assert not taken.ngrams and taken.embedding and not taken.head


def test_ngrams_that_both_have_add_what_they_added(prepared, live):
    """Their values were counted anew: the products stay, whatever the values are now."""
    half = slice(0, len(prepared.vocabulary), 2)
    known = prepared.vocabulary
    mixed = ngrams.Vocabulary(
        np.concatenate([known.keys[half], [2, 4]]),
        np.concatenate([2 * known.values[half], np.ones(2)]).astype(np.float32),
        known.order,
    )
    classifier, taken = taken_over(prepared, live[1], vocabulary=mixed)
    weighted, _ = classifier.ngrams.tables()
    expected, _ = live[0].ngrams.tables()
    np.testing.assert_allclose(weighted[:-2], expected.numpy()[half], atol=1e-5)
    assert weighted[-2:].numpy().tolist() == [0.0, 0.0]
    shared = len(known.keys[half])
    assert taken.said["ngrams"] == f"the weights of {shared:,} of {shared + 2:,} word n-grams"


def test_a_larger_vocabulary_takes_the_vectors_of_the_words_that_both_know(prepared, live, cache_dir):
    settings = EmbeddingSettings(vocabulary_size=2_500)
    handle = locate(settings, cache_dir=cache_dir)
    classifier, taken = taken_over(prepared, live[1], handle=handle, embedding=settings)
    assert taken.said["embedding"] == "the vectors of 2,000 of 2,500 words, the others start afresh"
    assert taken.head
    mine = classifier.embedding.resolved_object.table.numpy()
    theirs = live[0].embedding.resolved_object.table.numpy()
    np.testing.assert_array_equal(mine[:2_000], theirs[:2_000])
    untouched = load(handle, name="x", trainable=True).resolved_object.table.numpy()
    np.testing.assert_array_equal(mine[2_000:], untouched[2_000:])


def other_module(tmp_path, words, width):
    vectors = np.ones((len(words) + 1, width), np.float32)
    text_module.save(tmp_path / "module", words=words, vectors=vectors)
    return str(tmp_path / "module")


def test_vectors_of_another_width_start_afresh_and_the_head_with_them(prepared, live, tmp_path):
    handle = other_module(tmp_path, ("good", "bad"), 7)
    _, taken = taken_over(prepared, live[1], handle=handle)
    assert taken.said["embedding"] == "starts afresh, its vectors have 50 numbers instead of 7"
    assert taken.said["head"] == "starts afresh, it belongs to its embedding"
    assert taken.ngrams


def test_an_embedding_that_shares_no_word_starts_afresh(prepared, live, tmp_path):
    handle = other_module(tmp_path, ("zzzz", "qqqq"), 50)
    _, taken = taken_over(prepared, live[1], handle=handle)
    assert taken.said["embedding"] == "starts afresh, no word in common"


def test_an_embedding_that_is_not_trained_here_cannot_take_trained_vectors(
    prepared, live, embedding_settings
):
    frozen = embedding_settings.model_copy(update={"trainable": False})
    _, taken = taken_over(prepared, live[1], embedding=frozen)
    assert taken.said["embedding"] == "starts afresh, the live model's was trained, and here it is not"
    assert not taken.head


def test_a_folder_that_holds_no_such_model_gives_nothing(prepared, tmp_path):
    tf.saved_model.save(tf.Module(), str(tmp_path / "other"))
    _, taken = taken_over(prepared, str(tmp_path / "other"))
    assert not taken.anything
    assert str(taken).startswith("model: its weights cannot be read")


# Which fit is kept.


def started(prepared, base_model, **changes):
    settings = SETTINGS.model_copy(update=changes)
    classifier, record = initialization.fit(prepared, settings, base_model=base_model)
    return classifier, record.start


def test_off_starts_from_scratch_and_says_nothing(prepared, live):
    assert started(prepared, live[1])[1] is None


def test_without_a_live_model_the_fit_starts_from_scratch_and_says_so(prepared):
    _, start = started(prepared, None, warm_start="auto", epochs=1)
    assert (start["origin"], start["why"]) == ("scratch", "There is no live model that can be loaded.")


def test_live_starts_where_the_live_model_ended(prepared, live):
    settings = SETTINGS.model_copy(update={"warm_start": "live", "epochs": 1})
    _, warm = initialization.fit(prepared, settings, base_model=live[1])
    _, cold = initialization.fit(
        prepared, settings.model_copy(update={"warm_start": "off"}), base_model=live[1]
    )
    assert warm.start["origin"] == "live" and warm.start["taken"]["head"] == "all of it"
    assert warm.epochs[0]["loss"] < cold.epochs[0]["loss"]


@pytest.fixture
def refit_live(live, tmp_path) -> str:
    """The live model as a version whose manifest says that it was refit on eval."""
    folder = shutil.copytree(live[1], tmp_path / "refit")
    facts = Facts(fitted_on=("train", "eval"))
    content = to_json(Manifest(version=1, created="2026-11-29T12:00:00Z", files={}, facts=facts))
    (folder / MANIFEST_NAME).write_bytes(content)
    return str(folder)


def test_auto_does_not_judge_on_reviews_that_the_live_model_was_refit_on(prepared, refit_live):
    _, start = started(prepared, refit_live, warm_start="auto", epochs=1)
    assert start["origin"] == "scratch" and start["compared"] == {}
    assert start["why"].startswith("The live model was refit on eval")


def test_a_start_from_a_live_model_that_was_refit_says_what_that_flatters(prepared, refit_live):
    _, start = started(prepared, refit_live, warm_start="live", epochs=1)
    assert start["origin"] == "live"
    assert start["why"].endswith("It was refit on eval, which flatters early stopping and calibration.")


@pytest.mark.proof
def test_auto_keeps_the_fit_with_the_lower_loss_on_eval(prepared, live):
    _, start = started(prepared, live[1], warm_start="auto", epochs=1)
    compared = start["compared"]
    best = min(compared, key=lambda origin: compared[origin]["loss"])
    assert start["origin"] == best
    assert f"{compared['live']['loss']:.4f}" in start["why"] and "log loss on eval" in start["why"]


@pytest.mark.proof
def test_auto_does_not_keep_a_start_from_a_model_that_learned_the_contrary(prepared, live, tmp_path):
    contrary, _ = train.fit_prepared(prepared, SETTINGS)
    for variable in contrary.head.get_layer("logit").weights:
        variable.assign(-20 * variable)
    signatures.export(contrary, tmp_path / "contrary")
    _, start = started(prepared, str(tmp_path / "contrary"), warm_start="auto", epochs=1)
    assert start["origin"] == "scratch"


def test_where_nothing_fits_the_fit_counts_as_one_from_scratch(prepared, tmp_path):
    tf.saved_model.save(tf.Module(), str(tmp_path / "other"))
    _, start = started(prepared, str(tmp_path / "other"), warm_start="live", epochs=1)
    assert start["origin"] == "scratch"
    assert start["why"].startswith("Nothing of the live model fits: model: its weights cannot be read")
