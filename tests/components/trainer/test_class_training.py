"""Training with more than two classes: from reviews to the exported signatures."""

import json
import random
import shutil

import numpy as np
import pytest
import tensorflow as tf
from tfx.components.trainer.fn_args_utils import FnArgs

from components import reviews
from components.errors import InputError
from components.trainer import initialization, train, workers
from components.trainer.classifier import data, model, ngrams
from components.trainer.classifier.calibration import find
from components.trainer.classifier.class_tally import ClassTally
from components.trainer.classifier.ngram_tally import NgramTally
from components.trainer.distribution import strategy_of
from components.trainer.job import Job
from components.trainer.own_model.module_file import ModuleFile
from components.trainer.preparation import prepare
from components.trainer.settings import TrainerSettings
from components.tuner.fit_cache import FitCache
from serving.model.loader import load

NAMES = ("business", "science", "sports", "world")
WORDS = {
    "business": "market shares profit bank company price",
    "science": "planet energy research cell theory computer",
    "sports": "match goal team season player coach",
    "world": "president war election border minister treaty",
}
COMMON = ["the", "of", "a", "in", "on", "this", "new", "first", "after", "said", "about", "many"]
SETTINGS = TrainerSettings(epochs=6, batch_size=32, hidden_units=(4,), learning_rate=0.02, ngram_min_count=2)
TEXTS = ["the team and the coach of the season", "", "planet", "bank market shares", "\U0001f600 war"]


def rows(count: int, *, seed: int) -> list[tuple[str, int]]:
    pick = random.Random(seed)
    made = []
    for number in range(count):
        label = number % len(NAMES)
        words = pick.choices(WORDS[NAMES[label]].split(), k=3) + pick.choices(COMMON, k=9)
        pick.shuffle(words)
        made.append((" ".join(words), label))
    return made


@pytest.fixture(scope="module")
def files(write_split):
    return {
        "train_files": [write_split(rows(240, seed=1), shards=2)],
        "eval_files": [write_split(rows(120, seed=2))],
    }


@pytest.fixture(scope="module")
def prepared(files, embedding_settings, cache_dir):
    return prepare(SETTINGS, embedding_settings, cache_dir=cache_dir, classes=NAMES, **files)


def fn_args(tmp_path, files, config, **more):
    return FnArgs(
        serving_model_dir=str(tmp_path / "Format-Serving"),
        model_run_dir=str(tmp_path / "run"),
        custom_config=config,
        **files,
        **more,
    )


def config(embedding_settings, cache_dir, settings=SETTINGS, judged_split="test"):
    from components.embeddings.locate import fingerprint

    return {
        "trainer": settings.model_dump(mode="json"),
        "classes": list(NAMES),
        "embedding": embedding_settings.model_dump(mode="json"),
        "embedding_fingerprint": fingerprint(embedding_settings, cache_dir=cache_dir),
        "cache_dir": str(cache_dir),
        "judged_split": judged_split,
    }


def serialized(texts):
    return np.array([reviews.to_example(text, 0).SerializeToString() for text in texts], object)


def require_class_signatures(folder, texts=TEXTS):
    """The contract of a model of more than two classes; returns the probabilities of the texts."""
    loaded = load(str(folder))
    assert set(loaded.signatures) == {"serving_default", "tf_example", "classify"}
    scored = loaded.run("serving_default", {"text": np.array([text.encode() for text in texts], object)})
    probabilities = scored["probabilities"]
    assert set(scored) == {"probabilities", "label"}
    assert probabilities.dtype == np.float32 and probabilities.shape == (len(texts), len(NAMES))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    chosen = [NAMES[index].encode() for index in probabilities.argmax(axis=1)]
    assert scored["label"].tolist() == chosen
    by_example = loaded.run("tf_example", {"examples": serialized(texts)})
    np.testing.assert_allclose(by_example["probabilities"], probabilities, atol=1e-6)
    classified = loaded.run("classify", {"inputs": serialized(texts)})
    assert classified["classes"].tolist() == [[name.encode() for name in NAMES]] * len(texts)
    np.testing.assert_allclose(classified["scores"], probabilities, atol=1e-6)
    empty = loaded.run("serving_default", {"text": np.zeros(0, object)})
    assert empty["probabilities"].shape == (0, len(NAMES)) and empty["label"].shape == (0,)
    return probabilities


@pytest.fixture(scope="module")
def trained(tmp_path_factory, files, embedding_settings, cache_dir):
    """The folder of a model of one fit."""
    folder = tmp_path_factory.mktemp("trained")
    settings = SETTINGS.model_copy(update={"refit": False})
    train.run_fn(fn_args(folder, files, config(embedding_settings, cache_dir, settings)))
    return folder / "Format-Serving"


def test_a_run_exports_a_calibrated_model_that_tells_the_classes_apart(trained):
    unseen = rows(80, seed=3)
    probabilities = require_class_signatures(trained, [text for text, _ in unseen])
    assert np.mean(probabilities.argmax(axis=1) == [label for _, label in unseen]) > 0.9
    history = json.loads((trained.parent / "run" / "history.json").read_text())
    assert history["calibration"]["offset"] == 0 and history["calibration"]["scale"] > 0
    require_class_signatures(trained)


@pytest.mark.proof
def test_few_examples_of_more_classes_are_cross_fitted(files, embedding_settings, cache_dir, tmp_path):
    train.run_fn(fn_args(tmp_path, files, config(embedding_settings, cache_dir)))
    unseen = rows(80, seed=3)
    probabilities = require_class_signatures(tmp_path / "Format-Serving", [text for text, _ in unseen])
    assert np.mean(probabilities.argmax(axis=1) == [label for _, label in unseen]) > 0.9
    history = json.loads((tmp_path / "run" / "history.json").read_text())
    assert history["calibration"]["offset"] == 0 and history["calibration"]["scale"] > 0
    assert (history["refit"]["reviews"], history["refit"]["parts"]) == (360, 3)


def test_both_feeds_and_the_export_score_alike(prepared, embedding_settings, cache_dir, files):
    classifier, _ = train.fit_prepared(prepared, SETTINGS)
    texts = tf.constant(TEXTS)
    logits = model.text_feed(classifier).model(texts, training=False)
    feed = model.encoded_feed(classifier)
    np.testing.assert_allclose(feed.model(feed.encode(texts), training=False), logits, atol=1e-5)
    tables = classifier.ngrams.tables()
    probabilities = classifier.probabilities(texts, ngram_tables=tables)
    np.testing.assert_allclose(probabilities, tf.nn.softmax(logits), atol=1e-5)
    assert classifier.classes == 4


def test_the_same_seed_gives_the_same_model(prepared):
    weights = [train.fit_prepared(prepared, SETTINGS)[0].weights for _ in range(2)]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_without_ngrams_and_streamed(files, embedding_settings, cache_dir):
    settings = SETTINGS.model_copy(update={"ngram_order": 0, "memory_examples": 10, "epochs": 1})
    prepared = prepare(settings, embedding_settings, cache_dir=cache_dir, classes=NAMES, **files)
    assert isinstance(prepared.train, data.StreamedReviews)
    classifier, record = train.fit_prepared(prepared, settings)
    assert classifier.ngrams is None and classifier.probabilities(tf.constant(TEXTS)).shape == (5, 4)
    assert np.isfinite(record.epochs[0]["val_loss"])


def test_streamed_reviews_teach_ngrams(files, embedding_settings, cache_dir):
    settings = SETTINGS.model_copy(update={"memory_examples": 10})
    streamed = prepare(settings, embedding_settings, cache_dir=cache_dir, classes=NAMES, **files)
    whole = prepare(SETTINGS, embedding_settings, cache_dir=cache_dir, classes=NAMES, **files)
    np.testing.assert_array_equal(streamed.vocabulary.keys, whole.vocabulary.keys)
    np.testing.assert_allclose(streamed.vocabulary.values, whole.vocabulary.values)


@pytest.mark.proof
def test_a_mirrored_fit_learns_the_classes_too(prepared):
    settings = SETTINGS.model_copy(update={"strategy": "mirrored"})
    plain, _ = train.fit_prepared(prepared, SETTINGS)
    mirrored, _ = train.fit_prepared(prepared, settings, strategy=strategy_of(settings))
    texts = tf.constant(TEXTS)
    np.testing.assert_allclose(mirrored.probabilities(texts), plain.probabilities(texts), atol=0.02)


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_two_processes_learn_the_classes_as_one_does(files, embedding_settings, cache_dir, tmp_path):
    found = {}
    for strategy in ("none", "multi_worker"):
        folder = tmp_path / strategy
        folder.mkdir()
        job = Job(
            settings=SETTINGS.model_copy(update={"strategy": strategy, "workers": 2, "dropout": 0.0}),
            embedding=embedding_settings,
            cache_dir=cache_dir,
            train_files=tuple(files["train_files"]),
            eval_files=tuple(files["eval_files"]),
            classes=NAMES,
            model_dir=str(folder / "model"),
            run_dir=str(folder),
        )
        if strategy == "none":
            train.carry_out(job)
        else:
            workers.run(job.save(folder / "job.json"), workers=2)
        found[strategy] = require_class_signatures(folder / "model")
    np.testing.assert_allclose(found["multi_worker"], found["none"], atol=1e-3)


def test_the_tally_counts_exactly_whatever_the_order_of_the_batches():
    pick = np.random.default_rng(5)
    grams = pick.integers(-50, 50, 3000) * 2
    lengths, labels = np.full(300, 10), pick.integers(0, 3, 300)
    whole, halves = ClassTally(3), ClassTally(3)
    whole.add(grams, lengths=lengths, labels=labels)
    for part in (slice(150, 300), slice(0, 150)):
        halves.add(grams.reshape(300, 10)[part].ravel(), lengths=lengths[part], labels=labels[part])
    of_each = np.repeat(labels, lengths)
    for tally in (whole, halves):
        keys, counts = tally.counts(at_least=25)
        expected = {
            key: [np.sum((grams == key) & (of_each == label)) for label in range(3)]
            for key in np.unique(grams)
            if np.sum(grams == key) >= 25
        }
        assert dict(zip(keys.tolist(), counts.tolist(), strict=True)) == expected


def test_the_values_of_a_class_are_those_of_it_against_all_others():
    pick = np.random.default_rng(6)
    grams, lengths = pick.integers(0, 9, 400) * 2, np.full(40, 10)
    labels = pick.integers(0, 3, 40)
    several = ClassTally(3)
    several.add(grams.copy(), lengths=lengths, labels=labels)
    found = ngrams.learn_classes(several, order=1, min_count=1, limit=100)
    for label in range(3):
        two = NgramTally()
        two.add(grams.copy(), lengths=lengths, labels=labels == label)
        binary = ngrams.learn(two, order=1, min_count=1, limit=100)
        np.testing.assert_allclose(found.values[:, label], binary.values, rtol=1e-6)


def test_no_frequent_ngram_is_a_vocabulary_that_scores_zero():
    empty = ngrams.learn_classes(ClassTally(3), order=2, min_count=2, limit=10)
    score = ngrams.NgramScore(empty)
    np.testing.assert_array_equal(score(score.index.encoded(tf.constant(["a b", ""]))), np.zeros((2, 3)))


def test_a_temperature_mends_logits_that_are_too_large():
    pick = np.random.default_rng(7)
    labels = pick.integers(0, 4, 4000)
    probabilities = pick.dirichlet(np.ones(4), 4000)
    labels = np.array([pick.choice(4, p=row) for row in probabilities])
    found = find(3 * np.log(probabilities), labels)
    assert found.scale == pytest.approx(1 / 3, rel=0.1) and found.offset == 0


@pytest.fixture
def live_version(trained, tmp_path):
    """Makes the folder of a live version of `trained`, whose manifest names these classes."""
    from serving.store.manifest import MANIFEST_NAME, Facts, Manifest, to_json

    def live_version(classes=NAMES):
        folder = shutil.copytree(trained, tmp_path / "live")
        facts = Facts(data={"settings": {"classes": list(classes)}})
        manifest = Manifest(version=1, created="2026-01-01T00:00:00Z", files={}, facts=facts)
        (folder / MANIFEST_NAME).write_bytes(to_json(manifest))
        return str(folder)

    return live_version


def test_a_warm_start_takes_the_live_model_over(live_version, prepared):
    folder = live_version()
    settings = SETTINGS.model_copy(update={"warm_start": "live", "epochs": 1, "learning_rate": 1e-6})
    classifier, record = initialization.fit(prepared, settings, base_model=folder)
    assert record.start["origin"] == "live" and record.start["taken"]["ngrams"].startswith("the weights of")
    unseen = rows(80, seed=3)
    chosen = classifier.probabilities(tf.constant([text for text, _ in unseen])).numpy().argmax(axis=1)
    assert np.mean(chosen == [label for _, label in unseen]) > 0.9


def test_a_warm_start_from_other_classes_takes_the_words_alone(live_version, prepared):
    folder = live_version(NAMES[::-1])
    settings = SETTINGS.model_copy(update={"warm_start": "live", "epochs": 1})
    _, record = initialization.fit(prepared, settings, base_model=folder)
    for part in ("head", "ngrams"):
        said = record.start["taken"][part]
        assert said == "starts afresh, the live model's classes are world, sports, science, business"


def test_auto_compares_both_fits_by_their_log_loss(live_version, prepared):
    folder = live_version()
    settings = SETTINGS.model_copy(update={"warm_start": "auto", "epochs": 2})
    _, record = initialization.fit(prepared, settings, base_model=folder)
    assert set(record.start["compared"]) == {"scratch", "live"}
    assert all(0 < one["loss"] < 2 for one in record.start["compared"].values())


def test_a_search_measures_the_fits(tmp_path, files, embedding_settings, cache_dir):
    fits = FitCache(tmp_path / "fits", cache_dir=cache_dir, classes=NAMES, **files)
    found = fits.of(SETTINGS, embedding_settings)
    assert found.accuracy > 0.8 and 0 < found.log_loss < 1 and 0 <= found.calibration_error < 0.3


OWN = """
import tf_keras as keras

def build(texts, classes):
    layer = keras.layers.TextVectorization(max_tokens=2000, output_mode="tf_idf")
    layer.adapt(texts)
    text = keras.Input(shape=(1,), dtype="string")
    return keras.Model(text, keras.layers.Dense(OUTPUTS)(layer(text)))
"""


@pytest.mark.parametrize("outputs", ["len(classes)", "len(classes), 'softmax'"])
def test_a_model_of_the_users_has_a_number_a_class(outputs, files, tmp_path):
    module = ModuleFile(name="own.py:build", source=OWN.replace("OUTPUTS", outputs))
    settings = TrainerSettings(module="own.py:build", epochs=8, batch_size=32, learning_rate=0.02)
    given = {"trainer": settings.model_dump(), "module": module.model_dump(), "classes": list(NAMES)}
    train.run_fn(fn_args(tmp_path, files, given))
    unseen = rows(80, seed=3)
    probabilities = require_class_signatures(tmp_path / "Format-Serving", [text for text, _ in unseen])
    assert np.mean(probabilities.argmax(axis=1) == [label for _, label in unseen]) > 0.9
    require_class_signatures(tmp_path / "Format-Serving")


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        ("1", "not 4 numbers a text, one for each class. Its last layer should be Dense(4, activation="),
        ("len(classes), 'sigmoid'", "whose sum is not 1 for each text"),
    ],
)
def test_a_model_with_other_numbers_is_refused(outputs, words, files, tmp_path):
    module = ModuleFile(name="own.py:build", source=OWN.replace("OUTPUTS", outputs))
    settings = TrainerSettings(module="own.py:build", epochs=1)
    given = {"trainer": settings.model_dump(), "module": module.model_dump(), "classes": list(NAMES)}
    with pytest.raises(InputError) as caught:
        train.run_fn(fn_args(tmp_path, files, given))
    assert words in str(caught.value)
