"""A run_fn of the user's: TFX's own contract."""

import json

import numpy as np
import pytest
import tensorflow as tf
from tfx.components.trainer.executor import GenericExecutor
from tfx.types import channel_utils, standard_artifacts

from components.embeddings.settings import EmbeddingSettings
from components.errors import InputError
from components.reviews import CLASSES
from components.trainer.component import trainer
from components.trainer.settings import TrainerSettings
from serving.model.loader import load

RUN_FN = """
import tensorflow as tf


class Served(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def serving_default(self, text):
        probability = tf.sigmoid(tf.cast(tf.strings.length(text), tf.float32) - 10.0)
        return {"probability": probability, "label": tf.where(probability >= 0.5, "positive", "negative")}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def tf_example(self, examples):
        parsed = tf.io.parse_example(examples, {"text": tf.io.FixedLenFeature([], tf.string)})
        return self.serving_default(parsed["text"])


def run_fn(fn_args):
    files = tf.io.gfile.glob(fn_args.train_files)
    count = sum(1 for _ in tf.data.TFRecordDataset(files, compression_type="GZIP"))
    assert count == 400, count
    assert fn_args.custom_config["classes"] == ["negative", "positive"]
    assert fn_args.custom_config["trainer"]["epochs"] == 40
    served = Served()
    signatures = {name: getattr(served, name) for name in SIGNATURES}
    tf.saved_model.save(served, fn_args.serving_model_dir, signatures=signatures)


SIGNATURES = ["serving_default", "tf_example"]
"""
BINARY = '["negative", "positive"]'


@pytest.fixture
def executed(own, examples_uri, tmp_path):
    """Runs TFX's Trainer with a file; returns the folder of the model."""

    def run(text: str, classes=CLASSES):
        examples = standard_artifacts.Examples()
        examples.uri, examples.split_names = str(examples_uri), '["train", "eval"]'
        stage = trainer(
            channel_utils.as_channel([examples]),
            settings=TrainerSettings(module="own.py:run_fn"),
            embedding=EmbeddingSettings(),
            cache_dir=tmp_path / "cache",
            classes=classes,
            module=own(text, "run_fn"),
        )
        model, model_run = standard_artifacts.Model(), standard_artifacts.ModelRun()
        model.uri, model_run.uri = str(tmp_path / "model"), str(tmp_path / "model_run")
        inputs = {key: list(value.get()) for key, value in stage.inputs.items()}
        outputs = {"model": [model], "model_run": [model_run]}
        GenericExecutor().Do(inputs, outputs, dict(stage.exec_properties))
        return tmp_path / "model" / "Format-Serving"

    return run


def test_what_it_writes_is_the_model(executed):
    loaded = tf.saved_model.load(str(executed(RUN_FN)))
    assert set(loaded.signatures) == {"serving_default", "tf_example"}


BROKEN = {
    "it raises": (
        RUN_FN.replace("count == 400", "count == 401"),
        "run_fn() raised AssertionError: 400 (line 20 of own.py)",
    ),
    "it writes nothing": (
        "def run_fn(fn_args): ...\n",
        "run_fn ended without a SavedModel in fn_args.serving_model_dir.",
    ),
    "a signature is missing": (
        RUN_FN.replace(', "tf_example"]', "]"),
        "the SavedModel that run_fn wrote cannot be served: it has no signature tf_example; there are: "
        "serving_default.",
    ),
    "an output is missing": (
        RUN_FN.replace('"probability": probability, ', ""),
        "serving_default gives label (string), not probability (float32) and label (string); tf_example ",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_one_is_refused_with_what_is_missing(executed, case):
    text, words = BROKEN[case]
    with pytest.raises(InputError) as caught:
        executed(text)
    assert str(caught.value).startswith("trainer.module = 'own.py:run_fn': ")
    assert words in str(caught.value)


OF_THREE = """
import tensorflow as tf

NAMES = ["ham", "news", "spam"]


class Served(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def serving_default(self, text):
        longer = tf.cast(tf.strings.length(text), tf.float32)[:, None]
        probabilities = tf.nn.softmax(tf.concat([longer - 5, 0 * longer, 5 - longer], 1))
        label = tf.gather(tf.constant(NAMES), tf.argmax(probabilities, axis=1))
        return {"probabilities": probabilities, "label": label}

    def _parsed(self, examples):
        return tf.io.parse_example(examples, {"text": tf.io.FixedLenFeature([], tf.string)})["text"]

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def tf_example(self, examples):
        return self.serving_default(self._parsed(examples))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
    def classify(self, inputs):
        text = self._parsed(inputs)
        scores = self.serving_default(text)["probabilities"]
        return {"classes": tf.tile([NAMES], [tf.size(text), 1]), "scores": scores}


def run_fn(fn_args):
    assert fn_args.custom_config["classes"] == ["ham", "news", "spam"]
    served = Served()
    signatures = {name: getattr(served, name) for name in SIGNATURES}
    tf.saved_model.save(served, fn_args.serving_model_dir, signatures=signatures)


SIGNATURES = ["serving_default", "tf_example", "classify"]
"""
THREE = ("ham", "news", "spam")


def test_a_model_of_three_classes_keeps_the_same_contract(executed):
    model = load(str(executed(OF_THREE, THREE)))
    scored = model.run("serving_default", {"text": np.array([b"a long text", b""], object)})
    assert scored["label"].tolist() == [b"ham", b"spam"] and scored["probabilities"].shape == (2, 3)


BROKEN_OF_THREE = {
    "one probability": (RUN_FN.replace(BINARY, '["ham", "news", "spam"]'), "not probabilities (float32)"),
    "no classify": (
        OF_THREE.replace(', "classify"]', "]"),
        "cannot be served: it has no signature classify that gives the names of the classes.",
    ),
    "other names": (
        OF_THREE.replace('NAMES = ["ham", "news", "spam"]', 'NAMES = ["spam", "news", "ham"]'),
        "classify gives the classes spam, news, ham, not ham, news, spam in this order.",
    ),
    "scores alone": (
        OF_THREE.replace('"classes": tf.tile([NAMES], [tf.size(text), 1]), ', ""),
        "it has no signature classify that gives the names of the classes.",
    ),
}


@pytest.mark.parametrize("case", BROKEN_OF_THREE)
def test_a_model_of_three_classes_is_refused_with_what_is_missing(executed, case):
    text, words = BROKEN_OF_THREE[case]
    with pytest.raises(InputError) as caught:
        executed(text, THREE)
    assert str(caught.value).startswith("trainer.module = 'own.py:run_fn': ")
    assert words in str(caught.value)


def test_the_text_of_the_file_is_in_the_cache_key(own, tmp_path):
    def key(text: str) -> str:
        stage = trainer(
            channel_utils.as_channel([standard_artifacts.Examples()]),
            settings=TrainerSettings(module="own.py:run_fn"),
            embedding=EmbeddingSettings(),
            cache_dir=tmp_path / "cache",
            module=own(text, "run_fn"),
        )
        return stage.exec_properties["custom_config"]

    assert key(RUN_FN) == key(RUN_FN) != key(RUN_FN + "# changed\n")
    assert json.loads(key(RUN_FN))["module"] == {"name": "own.py:run_fn", "source": RUN_FN}
    assert "embedding" not in json.loads(key(RUN_FN))
