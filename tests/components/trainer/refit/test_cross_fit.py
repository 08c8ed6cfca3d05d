"""Cross-fitting of few examples: parts that are held out in turn, and what they decide."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from example_files import write_examples
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.pipeline import make_pipeline

from components.embeddings.settings import EmbeddingSettings
from components.trainer import fitting
from components.trainer.classifier import data, ngrams
from components.trainer.classifier.calibration import Calibration, find
from components.trainer.classifier.class_tally import ClassTally
from components.trainer.classifier.ngram_tally import NgramTally
from components.trainer.preparation import Prepared, prepare
from components.trainer.refit import cross_fit
from components.trainer.settings import TrainerSettings
from components.trainer.train import train

SETTINGS = TrainerSettings(epochs=2, batch_size=64, hidden_units=(4,), learning_rate=0.01)
TEXTS = ("good good film", "good fun", "bad film", "bad bad plot", "a plot", "good plot")


@pytest.fixture(scope="module")
def prepared(embedding_settings, cache_dir, train_files, eval_files) -> Prepared:
    return prepare(
        SETTINGS,
        embedding_settings,
        cache_dir=cache_dir,
        train_files=train_files,
        eval_files=eval_files,
        judged_split="test",
    )


def learned(texts, labels, *, classes: int, min_count: int) -> ngrams.Vocabulary:
    grams = ngrams.hashes(tf.constant(texts), order=2)
    tally = NgramTally() if classes == 2 else ClassTally(classes)
    tally.add(grams.flat_values.numpy(), lengths=grams.row_lengths().numpy(), labels=np.array(labels))
    learn = ngrams.learn if classes == 2 else ngrams.learn_classes
    return learn(tally, order=2, min_count=min_count, limit=1000)


@pytest.mark.parametrize("min_count", [1, 2])
@pytest.mark.parametrize(("classes", "labels"), [(2, [1, 1, 0, 0, 0, 1]), (3, [2, 1, 0, 0, 1, 2])])
def test_values_learned_again_are_those_of_the_examples_alone(classes, labels, min_count):
    """Those that `learn` gives; 0 for the n-grams of other examples."""
    vocabulary = learned(TEXTS, labels, classes=classes, min_count=1)
    few, of_few = TEXTS[:4], labels[:4]
    expected = learned(few, of_few, classes=classes, min_count=min_count).values_for(vocabulary)

    ids = ngrams.NgramIndex(vocabulary).ids(tf.constant(few))
    found = ngrams.relearn(
        vocabulary, ids, np.array(of_few, np.float32), classes=classes, min_count=min_count
    )

    np.testing.assert_array_equal(found.keys, vocabulary.keys)
    np.testing.assert_allclose(found.values, expected.values, rtol=1e-6)
    assert found.values.dtype == np.float32


def test_every_example_of_train_is_held_out_once(prepared):
    parts = list(cross_fit._held_out(prepared, SETTINGS))

    assert [(len(part.train), len(part.evaluation)) for part in parts] == [(400, 200), (400, 200)]
    held = np.concatenate([part.evaluation.features[1].flat_values for part in parts])
    assert sorted(held) == sorted(prepared.train.features[1].flat_values.numpy())


def test_copies_of_a_text_are_held_out_together(write_split, eval_files, embedding_settings, cache_dir):
    rows = [(f"text number {number}", number % 2) for number in range(75)]
    copies = prepare(
        SETTINGS,
        embedding_settings,
        cache_dir=cache_dir,
        train_files=[write_split(rows * 2)],
        eval_files=eval_files,
        judged_split="test",
    )
    for part in cross_fit._held_out(copies, SETTINGS):
        held, fitted = (
            {tuple(ids) for ids in examples.features[0].to_list()}
            for examples in (part.evaluation, part.train)
        )
        assert len(held & fitted) <= 2, "at most the texts at the two borders"


def test_a_held_out_part_teaches_its_fit_nothing(prepared):
    """With the opposite labels in the first part, its fit has the same n-gram values."""
    flipped = prepared.train.labels.numpy()
    first_part = slice(len(flipped) // 2)
    flipped[first_part] = 1 - flipped[first_part]
    other = dataclasses.replace(
        prepared, train=data.ReviewsInMemory(prepared.train.features, tf.constant(flipped))
    )
    first, second = (next(cross_fit._held_out(one, SETTINGS)) for one in (prepared, other))

    np.testing.assert_array_equal(first.vocabulary.values, second.vocabulary.values)
    np.testing.assert_array_equal(first.train.labels, second.train.labels)
    assert not np.array_equal(first.evaluation.labels, second.evaluation.labels)


def test_epochs_and_calibration_come_from_all_parts(prepared):
    kept, asked = iter([1, 5, 2]), []

    def fit(part, settings):
        asked.append((part, settings.calibrate))
        classifier = part.fresh_classifier(settings)
        record = fitting.FitRecord((), next(kept), None, "val_loss", 0.0, 0, 0, {}, None)
        return classifier, record

    found = cross_fit.cross_fit(prepared, SETTINGS, fit)

    assert (found.parts, found.epochs) == (3, 2)
    assert asked[0][0] is prepared and not any(calibrates for _, calibrates in asked)
    # Fresh classifiers score with what the untrained embedding part says: enough to compare.
    scores = [
        fitting.scored(part.fresh_classifier(SETTINGS), part.evaluation)
        for part in (prepared, *cross_fit._held_out(prepared, SETTINGS))
    ]
    expected = find(*(np.concatenate(column) for column in zip(*scores, strict=True)))
    calibration = dataclasses.astuple(found.first[1].calibration)
    assert calibration == pytest.approx(dataclasses.astuple(expected), rel=1e-3)


@pytest.fixture
def fitted(train_as_the_stage):
    """Trains with changed settings."""
    return lambda **changes: train_as_the_stage(SETTINGS.model_copy(update=changes))


def test_a_fit_to_few_examples_is_cross_fitted(fitted):
    """Also without what the held-out parts would calibrate, stop early or teach."""
    _, record = fitted(calibrate=False, ngram_order=0, early_stopping=False)
    assert record.calibration is None and (record.refit.parts, record.refit.epochs) == (3, 2)
    assert record.refit.reviews == 600


@pytest.mark.proof
def test_cross_fitting_calibrates_and_is_repeatable(fitted):
    (one, record), (other, _) = fitted(), fitted()
    assert (record.refit.parts, record.refit.reviews) == (3, 600)
    assert isinstance(record.calibration, Calibration)
    assert all(np.array_equal(a, b) for a, b in zip(one.weights, other.weights, strict=True))


@pytest.mark.parametrize(
    ("changes", "rows", "strategy", "expected"),
    [
        ({}, 1_000, None, True),
        ({}, 1_001, None, False),
        ({"scale_with_examples": False}, 1_000, None, False),
        ({}, 1_000, object(), False),
    ],
)
def test_only_few_examples_are_cross_fitted(prepared, changes, rows, strategy, expected):
    few = dataclasses.replace(prepared, train=data.ReviewsInMemory(tf.zeros([rows]), tf.zeros([rows])))
    assert cross_fit.applies(few, TrainerSettings(**changes), strategy=strategy) is expected
    streamed = dataclasses.replace(prepared, train=data.StreamedReviews(["some"], rows))
    assert not cross_fit.applies(streamed, TrainerSettings(**changes), strategy=strategy)


@pytest.mark.proof
@pytest.mark.timeout(900)
@pytest.mark.parametrize("labels", [200, 500])
def test_few_labels_give_at_least_the_accuracy_of_tf_idf(all_packaged_reviews, cache_dir, tmp_path, labels):
    """On the mean over draws of real reviews, with C as it comes, 30, and chosen by cross-validation."""
    judged, pool = all_packaged_reviews[:2000], all_packaged_reviews[2000:]
    texts, truth = [text for text, _ in judged], np.array([label for _, label in judged])
    accuracies = []
    for draw in range(2):
        drawn = [pool[row] for row in np.random.default_rng([7, draw]).permutation(len(pool))[:labels]]
        cut = labels * 3 // 4
        for split, rows in (("train", drawn[:cut]), ("eval", drawn[cut:])):
            write_examples(tmp_path / f"{draw}-{split}.gz", rows)
        classifier, _ = train(
            settings=TrainerSettings(),
            embedding_settings=EmbeddingSettings(vocabulary_size=50_000),
            cache_dir=cache_dir,
            train_files=[str(tmp_path / f"{draw}-train.gz")],
            eval_files=[str(tmp_path / f"{draw}-eval.gz")],
            judged_split="test",
        )
        predicted = [classifier.probability(tf.constant(texts)).numpy() >= 0.5]
        for regression in (
            LogisticRegression(max_iter=1000),
            LogisticRegression(C=30, max_iter=1000),
            LogisticRegressionCV(Cs=[1, 3, 10, 30, 100, 300], cv=5, max_iter=1000, scoring="neg_log_loss"),
        ):
            peer = make_pipeline(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), regression)
            predicted.append(peer.fit(*zip(*drawn, strict=True)).predict(texts))
        accuracies.append([float(np.mean(one == truth)) for one in predicted])
    ours, *theirs = np.mean(accuracies, axis=0)
    assert ours >= max(theirs)
