"""A Keras model of the user's, trained by the Trainer's loop and exported with its signatures."""

import json

import numpy as np
import pytest
import tensorflow as tf
from tfx.components.trainer.fn_args_utils import FnArgs

from components import reviews
from components.errors import InputError
from components.infra_validator.signatures import signature_problems
from components.trainer import train
from components.trainer.classifier.signatures import SIGNATURES
from components.trainer.settings import TrainerSettings
from serving.model.loader import load

HEAD = """
import tensorflow as tf
import tf_keras as keras

def vectorizer(texts):
    layer = keras.layers.TextVectorization(max_tokens=2000, output_mode="tf_idf", ngrams=2)
    layer.adapt(texts)
    return layer
"""
LOGIT = (
    HEAD
    + """
def build(texts, classes):
    assert classes == ("negative", "positive")
    text = keras.Input(shape=(1,), dtype="string")
    return keras.Model(text, keras.layers.Dense(1)(vectorizer(texts)(text)))
"""
)
PROBABILITY = (
    HEAD
    + """
def build(texts, settings):
    model = keras.Sequential([vectorizer(texts), keras.layers.Dense(1, activation="sigmoid")])
    model.compile(keras.optimizers.Adam(settings.learning_rate), "binary_crossentropy", ["mae"])
    return model
"""
)
SUBCLASSED = (
    HEAD
    + """
class Model(keras.Model):
    def __init__(self, texts):
        super().__init__()
        self.vectorize = vectorizer(texts)
        self.dense = keras.layers.Dense(1)

    def call(self, text):
        return tf.sigmoid(self.dense(self.vectorize(text)))[:, 0]

def build(texts):
    return Model(texts)
"""
)
SETTINGS = TrainerSettings(module="own.py:build", epochs=4, batch_size=64, learning_rate=0.02)


@pytest.fixture
def fitted(own, train_files, eval_files, tmp_path):
    """Trains as TFX's Trainer would; returns the folder of the model and the history."""

    def fit(text: str, **changes):
        settings = SETTINGS.model_copy(update=changes)
        fn_args = FnArgs(
            train_files=train_files,
            eval_files=eval_files,
            serving_model_dir=str(tmp_path / "model"),
            model_run_dir=str(tmp_path / "model_run"),
            custom_config={"trainer": settings.model_dump(), "module": own(text).model_dump()},
        )
        train.run_fn(fn_args)
        return tmp_path / "model", json.loads((tmp_path / "model_run" / "history.json").read_text())

    return fit


def scores(model, texts: list[str]) -> np.ndarray:
    return model.run("serving_default", {"text": np.array(texts, object)})["probability"]


@pytest.mark.parametrize("text", [LOGIT, PROBABILITY, SUBCLASSED], ids=["logit", "probability", "subclassed"])
def test_it_learns_and_is_served_like_the_built_in_model(fitted, packaged_reviews, text):
    folder, history = fitted(text)
    assert len(history["epochs"]) == 4 and history["calibration"] is not None
    assert history["parameters"] >= history["trainable_parameters"] == 2001
    assert history["epochs"][-1]["val_accuracy"] > 0.55

    model = load(str(folder))
    assert set(SIGNATURES) <= set(model.signatures)
    texts = ["", "a fine film", "caf\udce9 \udcff".encode("utf-8", "surrogateescape").decode("latin-1")]
    texts += [text for text, _ in packaged_reviews[:40]]
    probability = scores(model, texts)
    examples = np.array([reviews.to_example(text, 0).SerializeToString() for text in texts], object)
    by_example = model.run("tf_example", {"examples": examples})
    np.testing.assert_array_equal(by_example["probability"], probability)
    assert by_example["label"].tolist() == [reviews.CLASSES[int(p >= 0.5)].encode() for p in probability]
    alone = [scores(model, [text])[0] for text in texts[:5]]
    np.testing.assert_allclose(alone, probability[:5], atol=1e-6)
    assert scores(model, []).shape == (0,)
    assert model.run("classify", {"inputs": examples})["scores"].shape == (len(texts), 2)


def test_the_export_has_nothing_of_keras_or_the_optimizer(fitted):
    folder, _ = fitted(PROBABILITY, epochs=1)
    shapes = [shape for _, shape in tf.train.list_variables(str(folder / "variables" / "variables"))]
    assert sum(shape == [2000, 1] for shape in shapes) == 1, shapes
    assert not (folder / "keras_metadata.pb").exists()


def test_the_same_seed_gives_the_same_model(fitted):
    first, _ = fitted(LOGIT, epochs=1)
    one = scores(load(str(first)), ["a fine film", "a bad film"])
    again, _ = fitted(LOGIT, epochs=1)
    np.testing.assert_array_equal(scores(load(str(again)), ["a fine film", "a bad film"]), one)


def test_more_reviews_than_the_memory_takes_are_streamed(fitted):
    _, history = fitted(LOGIT, memory_examples=0, epochs=1)
    assert history["examples"] == {"train": 400, "eval": 200}


def test_a_model_without_calibration_gives_its_own_numbers(fitted):
    fixed = (
        HEAD
        + """
def build():
    lengths = keras.layers.Lambda(lambda text: tf.cast(tf.strings.length(text), tf.float32)[:, tf.newaxis])
    slope = keras.layers.Dense(1, activation="sigmoid", kernel_initializer="zeros")
    return keras.Sequential([keras.Input((), dtype="string"), lengths, slope])
"""
    )
    folder, history = fitted(fixed, calibrate=False, learning_rate=1e-9, epochs=1)
    assert history["calibration"] is None
    np.testing.assert_allclose(scores(load(str(folder)), ["", "film"]), [0.5, 0.5], atol=1e-4)


def body(lines: str) -> str:
    return HEAD + "def build(texts):\n" + "".join(f"    {line}\n" for line in lines.strip().splitlines())


TEXT_INPUT = 'text = keras.Input((), dtype="string")\n'
BROKEN = {
    "nothing returned": (body("texts"), "build() returned nothing. It has to return a Keras model."),
    "another type": (body("return [1]"), "build() returned list, not a Keras model."),
    "Keras 3": (
        body("import keras\nreturn keras.Sequential([])"),
        "build() returned a Sequential of Keras 3. This pipeline trains models of Keras 2: `import tf_keras",
    ),
    "it raises": (
        body("x = 1\nraise ValueError('no such thing')"),
        "build() raised ValueError: no such thing (line ",
    ),
    "two numbers": (
        body("return keras.Sequential([vectorizer(texts), keras.layers.Dense(2)])"),
        "the model gives float32 of shape [3, 2] for three texts, of which one is empty, not one number a",
    ),
    "numbers in": (
        body("return keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])"),
        "the model takes float32 of shape [N, 8], not text. It has to begin with Input(shape=(), dtype=",
    ),
    "two inputs": (
        body(
            TEXT_INPUT + "other = keras.Input((1,))\nvector = vectorizer(texts)(text)\n"
            "return keras.Model([text, other], keras.layers.Dense(1)(vector))"
        ),
        "the model has 2 inputs. It has to take one, the text.",
    ),
    "two outputs": (
        body(TEXT_INPUT + "vector = vectorizer(texts)(text)\nreturn keras.Model(text, [vector, vector])"),
        "the model gives list, not one number a text.",
    ),
    "no probability": (
        body(
            "last = keras.layers.Dense(1, 'exponential', bias_initializer='ones')\n"
            "return keras.Sequential([vectorizer(texts), last])"
        ),
        "before training, which is not a probability. End it with Dense(1, activation='sigmoid')",
    ),
    "nothing to train": (
        body("return keras.Sequential([vectorizer(texts), keras.layers.Dense(1, trainable=False)])"),
        "the model has no trainable weights.",
    ),
    "short texts": (
        body(
            "words = keras.layers.TextVectorization()\nwords.adapt(texts)\n"
            "return keras.Sequential([words, keras.layers.Embedding(9999, 4), keras.layers.Conv1D(4, 999), "
            "keras.layers.GlobalMaxPooling1D(), keras.layers.Dense(1)])"
        ),
        "the model, called with three texts, of which one is empty, raised ",
    ),
    "a table of nobody": (
        body(
            TEXT_INPUT
            + "table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(['a'], [1.0]), 0.0)\n"
            "found = keras.layers.Lambda(lambda t: table.lookup(t)[:, tf.newaxis])(text)\n"
            "return keras.Model(text, keras.layers.Dense(1)(found))"
        ),
        "the export of its model, tried before training, raised ",
    ),
    "a loss that raises": (
        body(
            "model = keras.Sequential([vectorizer(texts), keras.layers.Dense(1)])\n"
            "def loss(labels, numbers): raise RuntimeError('not today')\n"
            "model.compile('adam', loss)\nreturn model"
        ),
        "the training of its model raised RuntimeError: ",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_model_is_refused_with_what_is_missing(fitted, case):
    text, words = BROKEN[case]
    with pytest.raises(InputError) as caught:
        fitted(text)
    assert str(caught.value).startswith("trainer.module = 'own.py:build': ")
    assert words in str(caught.value)


def test_numbers_that_leave_0_to_1_in_training_are_refused(fitted):
    drifting = (
        HEAD
        + """
class Model(keras.Model):
    def __init__(self, texts):
        super().__init__()
        self.vectorize = vectorizer(texts)
        self.dense = keras.layers.Dense(1, kernel_initializer="zeros", bias_initializer="ones")

    def call(self, text):
        return self.dense(self.vectorize(text))

def build(texts):
    model = Model(texts)
    model.compile(keras.optimizers.Adam(0.02), "mse")
    return model
"""
    )
    with pytest.raises(InputError, match="after training, which is not a probability"):
        fitted(drifting, epochs=1)


def test_the_signatures_that_are_looked_for():
    tensors = {"inputs": {"text": "string"}, "outputs": {"probability": "float32"}}
    problems = list(signature_problems({"serving_default": tensors}))
    assert problems == [
        "serving_default gives probability (float32), not probability (float32) and label (string)",
        "it has no signature tf_example; there are: serving_default",
    ]
