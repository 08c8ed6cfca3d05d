import numpy as np
import pytest
import tensorflow as tf
from example_files import write_examples

from components.drift import examples
from components.drift.features import UNLABELED, FeatureModel, fingerprints
from components.drift.texts import Texts
from components.embeddings import text_module
from components.errors import GreenlightError, InputError

WORDS = ("good", "bad", "film")


class Embedded(tf.Module):
    """A model as the Trainer exports it, as far as features go: an embedding, and a signature."""

    def __init__(self, embedding):
        super().__init__()
        self.embedding = embedding

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def serving_default(self, text):
        return {"probability": tf.sigmoid(self.embedding(text)[:, 0])}


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> FeatureModel:
    vectors = np.array([[3, 0], [-3, 0], [0, 1], [0, 0]], np.float32)
    return exported(tmp_path_factory.mktemp("model"), vectors)


def exported(folder, vectors) -> FeatureModel:
    text_module.save(folder / "module", words=WORDS, vectors=vectors)
    served = Embedded(tf.saved_model.load(str(folder / "module")))
    tf.saved_model.save(
        served, str(folder / "export"), signatures={"serving_default": served.serving_default}
    )
    return FeatureModel(str(folder / "export"))


def asked(model, *texts, labels=None, trained_on=()):
    given = Texts(texts, tuple(labels or [None] * len(texts)), len(texts))
    return model.features(given, trained_on=fingerprints(trained_on))


def test_lengths_are_counted_as_in_training(model):
    assert asked(model, "Good<br />film!", "one two  three").words.tolist() == [2, 3]


def test_words_without_a_vector_are_counted_among_the_tokens(model):
    found = asked(model, "good film", "good xyzzy", "xyzzy plugh, good", "")
    assert found.unknown.tolist() == pytest.approx([0, 0.5, 0.75, 0])


def test_vectors_have_the_length_one_and_that_of_an_empty_text_is_zero(model):
    found = asked(model, "good good film", "bad", "")
    assert np.linalg.norm(found.vector, axis=1).tolist() == pytest.approx([1, 1, 0])


def test_an_embedding_of_one_number_has_no_vectors_to_compare(tmp_path):
    assert asked(exported(tmp_path, np.zeros((4, 1), np.float32)), "good film").vector is None


def test_probabilities_are_the_models(model):
    assert (asked(model, "good", "bad").probability > 0.5).tolist() == [True, False]
    assert model.probability([]).shape == (0,)


def test_labels_may_be_missing(model):
    assert asked(model, "good", "bad", labels=[1, None]).label.tolist() == [1, UNLABELED]


def test_texts_that_the_model_was_trained_on_are_known(model):
    assert asked(model, "good", "bad", trained_on=["bad", "film"]).seen.tolist() == [False, True]


def test_a_model_of_another_kind_gives_what_it_can(small_model):
    found = asked(FeatureModel(str(small_model())), "good", "bad")
    assert (found.unknown, found.vector) == (None, None)
    assert len(found.probability) == 2


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(GreenlightError, match=f"^{tmp_path} cannot be used as a model"):
        FeatureModel(str(tmp_path))


# The reviews of an Examples artifact.


@pytest.fixture
def artifact(tmp_path):
    for split, texts in {"train": ["t1", "t2"], "eval": ["e"], "test": ["s"]}.items():
        path = tmp_path / f"Split-{split}" / "data_tfrecord-00000-of-00001.gz"
        write_examples(path, [(text, 1) for text in texts])
    return tmp_path


def test_held_out_reviews_are_those_of_every_split_but_train(artifact):
    assert {row.text for row in examples.held_out(str(artifact))} == {"e", "s"}


def test_a_refit_model_was_fitted_on_eval_as_well(artifact):
    fitted_on = ("train", "eval")
    assert {row.text for row in examples.held_out(str(artifact), fitted_on=fitted_on)} == {"s"}
    known = examples.trained_on(str(artifact), fitted_on=fitted_on)
    assert set(known) == set(fingerprints(["t1", "t2", "e"]))


def test_the_texts_of_train_have_the_fingerprints_by_which_texts_are_known(artifact):
    assert set(examples.trained_on(str(artifact))) == set(fingerprints(["t1", "t2"]))


def test_examples_that_are_gone_are_named(tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file or directory"):
        list(examples.held_out(str(tmp_path / "gone")))


def test_damaged_examples_are_named(artifact):
    next((artifact / "Split-eval").iterdir()).write_bytes(b"no gzip")
    with pytest.raises(InputError, match=r"The examples of split eval in .* cannot be read"):
        list(examples.held_out(str(artifact)))


# The threshold of the positive class.


@pytest.mark.parametrize(
    ("threshold", "positive", "confidence"),
    [
        (0.5, [True, False], [0.95, 0.95]),
        (0.97, [False, False], [0.05, 0.95]),
        (0.02, [True, True], [0.95, 0.05]),
    ],
)
def test_the_predicted_class_follows_the_threshold_of_the_version(model, threshold, positive, confidence):
    moved = FeatureModel(model._folder, threshold=threshold)
    predicted = moved.predicted(["good", "bad"])  # with the probabilities 0.953 and 0.047
    assert predicted.label.tolist() == positive
    assert predicted.confidence.tolist() == pytest.approx(confidence, abs=0.005)
    features = asked(moved, "good", "bad", labels=[1, 0])
    assert features.predicted.tolist() == positive
    assert features.at(np.array([1, 0])).predicted.tolist() == positive[::-1]
