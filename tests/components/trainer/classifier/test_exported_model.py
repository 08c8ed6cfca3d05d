import shutil

import numpy as np
import pytest
import tensorflow as tf

from components import reviews
from components.trainer.classifier import signatures

TEXTS = ["A fine film, I loved it.", "", "Don't!<br />Awful.", "café " * 3000, "😀"]


@pytest.fixture(scope="module")
def exported(session_classifier, tmp_path_factory):
    """The SavedModel, loaded from where it was moved to, and the classifier in memory."""
    folder = tmp_path_factory.mktemp("model")
    signatures.export(session_classifier, folder / "here")
    shutil.move(folder / "here", folder / "there")
    return folder / "there", tf.saved_model.load(str(folder / "there")), session_classifier


def serialized(texts: list[str]) -> tf.Tensor:
    return tf.constant([reviews.to_example(text, 0).SerializeToString() for text in texts], tf.string)


def test_it_scores_as_the_classifier_in_memory(exported):
    _, loaded, classifier = exported
    scored = loaded.signatures["serving_default"](text=tf.constant(TEXTS))
    assert set(scored) == {"probability", "label"}
    assert scored["probability"].dtype == tf.float32 and scored["label"].dtype == tf.string
    np.testing.assert_allclose(scored["probability"], classifier.probability(tf.constant(TEXTS)), atol=1e-6)


def test_both_signatures_score_alike(exported, packaged_reviews):
    _, loaded, _ = exported
    texts = TEXTS + [text for text, _ in packaged_reviews[:50]]
    by_text = loaded.signatures["serving_default"](text=tf.constant(texts))
    by_example = loaded.signatures["tf_example"](examples=serialized(texts))
    np.testing.assert_array_equal(by_text["probability"], by_example["probability"])
    np.testing.assert_array_equal(by_text["label"], by_example["label"])


def test_it_classifies_and_regresses_as_tensorflow_serving_asks(exported):
    _, loaded, _ = exported
    probability = loaded.signatures["tf_example"](examples=serialized(TEXTS))["probability"].numpy()
    classified = loaded.signatures["classify"](inputs=serialized(TEXTS))
    assert classified["classes"].numpy().tolist() == [[b"negative", b"positive"]] * len(TEXTS)
    np.testing.assert_array_equal(classified["scores"], np.stack([1 - probability, probability], axis=1))
    regressed = loaded.signatures["regress"](inputs=serialized(TEXTS))
    np.testing.assert_array_equal(regressed["outputs"], probability)


def test_it_gives_the_names_of_the_classes(session_classifier, tmp_path):
    signatures.export(session_classifier, tmp_path / "model", classes=("ham", "spam"))
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    scored = loaded.signatures["serving_default"](text=tf.constant(TEXTS))
    expected = np.where(scored["probability"].numpy() >= 0.5, b"spam", b"ham")
    assert scored["label"].numpy().tolist() == expected.tolist()
    classified = loaded.signatures["classify"](inputs=serialized(TEXTS))
    assert classified["classes"].numpy().tolist() == [[b"ham", b"spam"]] * len(TEXTS)


def test_the_label_is_positive_from_one_half_on(exported, packaged_reviews):
    _, loaded, _ = exported
    scored = loaded.signatures["serving_default"](
        text=tf.constant([text for text, _ in packaged_reviews[:100]])
    )
    expected = np.where(scored["probability"].numpy() >= 0.5, b"positive", b"negative")
    assert scored["label"].numpy().tolist() == expected.tolist()
    assert set(expected) == {b"positive", b"negative"}


def test_a_batch_scores_as_its_reviews_one_by_one(exported):
    _, loaded, _ = exported
    serve = loaded.signatures["serving_default"]
    alone = [serve(text=tf.constant([text]))["probability"].numpy()[0] for text in TEXTS]
    np.testing.assert_allclose(serve(text=tf.constant(TEXTS))["probability"], alone, atol=1e-6)


def test_an_empty_batch_is_answered(exported):
    _, loaded, _ = exported
    for scored in (
        loaded.signatures["serving_default"](text=tf.constant([], tf.string)),
        loaded.signatures["tf_example"](examples=serialized([])),
    ):
        assert scored["probability"].shape == (0,) and scored["label"].shape == (0,)
    classified = loaded.signatures["classify"](inputs=serialized([]))
    assert classified["classes"].shape == (0, 2) and classified["scores"].shape == (0, 2)
    assert loaded.signatures["regress"](inputs=serialized([]))["outputs"].shape == (0,)


def test_bytes_that_are_not_utf8_are_scored(exported):
    _, loaded, _ = exported
    scored = loaded.signatures["serving_default"](text=tf.constant([b"\xff\xfe film \xc3("]))
    assert 0 < scored["probability"].numpy()[0] < 1


def test_an_example_without_text_is_refused_by_name(exported):
    _, loaded, _ = exported
    with pytest.raises(tf.errors.InvalidArgumentError, match="text"):
        loaded.signatures["tf_example"](examples=tf.constant([b""]))


def test_only_what_inference_needs_is_saved(exported):
    folder, _, classifier = exported
    saved = dict(tf.train.list_variables(str(folder / "variables" / "variables")))
    numbers = sum(int(np.prod(shape)) for name, shape in saved.items() if not name.startswith("_CHECKPOINT"))
    folded = classifier.ngrams.weight.shape[0]  # the n-grams' table has two columns where one was trained
    assert numbers <= sum(weight.numpy().size for weight in classifier.weights) + folded + 1
    assert not [name for name in saved if "OPTIMIZER" in name]
    assert not (folder / "keras_metadata.pb").exists()


def test_the_signatures_are_as_servers_read_them(exported):
    _, loaded, _ = exported
    inputs = {name: list(f.structured_input_signature[1].items()) for name, f in loaded.signatures.items()}
    assert inputs == {
        "serving_default": [("text", tf.TensorSpec([None], tf.string, name="text"))],
        "tf_example": [("examples", tf.TensorSpec([None], tf.string, name="examples"))],
        "classify": [("inputs", tf.TensorSpec([None], tf.string, name="inputs"))],
        "regress": [("inputs", tf.TensorSpec([None], tf.string, name="inputs"))],
    }
