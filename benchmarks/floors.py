"""Lower bounds of a stage's cost: the same work without the pipeline, in this process.

    python -m benchmarks.floors FLOOR WORKSPACE

WORKSPACE is that of a `greenlight run` with default settings. Printed are the seconds of the work alone.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import tensorflow as tf
import tf_keras

from components import reviews
from components.trainer.classifier import model
from components.trainer.classifier.conversion import unconverted
from components.trainer.preparation import Prepared, prepare
from components.trainer.train import HISTORY
from pipeline.config import Settings

_AT_ONCE = 1024

Floor = Callable[[Path], float]


def writing(workspace: Path) -> float:
    """All tf.Examples from memory to one GZIP TFRecord, at the speed that ImdbExampleGen asks of zlib."""
    records = list(_records(workspace, "*").as_numpy_iterator())
    with TemporaryDirectory() as folder:
        started = time.perf_counter()
        options = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=1)
        with tf.io.TFRecordWriter(f"{folder}/examples.gz", options) as writer:
            for record in records:
                writer.write(record)
        return time.perf_counter() - started


def reading(workspace: Path) -> float:
    """All tf.Examples once from disk, parsed."""
    started = time.perf_counter()
    for batch in _records(workspace, "*").batch(_AT_ONCE):
        tf.io.parse_example(batch, reviews.feature_spec())
    return time.perf_counter() - started


def tokenizing(workspace: Path) -> float:
    """Every review of train and eval from text to what the model is fed, once."""
    feed = _fresh(_prepared(workspace))
    batches = [
        tf.io.parse_example(batch, reviews.feature_spec())[reviews.TEXT]
        for split in ("train", "eval")
        for batch in _records(workspace, split).batch(_AT_ONCE)
    ]
    encode = tf.function(unconverted(feed.encode), input_signature=[tf.TensorSpec([None], tf.string)])
    encode(batches[0])  # traced
    started = time.perf_counter()
    for batch in batches:
        encode(batch)
    return time.perf_counter() - started


def fitting(workspace: Path) -> float:
    """The gradient steps and validation passes of the run's fit, on batches made before."""

    prepared, settings = _prepared(workspace), Settings().trainer
    keras_model = _fresh(prepared).model
    optimizer = tf_keras.optimizers.legacy.Adam(settings.learning_rate)
    loss = tf_keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=settings.label_smoothing)
    train = prepared.train.batches(settings.batch_size)

    @tf.function(input_signature=train.element_spec)
    @unconverted
    def step(features, labels):
        with tf.GradientTape() as tape:
            value = loss(labels[:, None], keras_model(features, training=True))
        weights = keras_model.trainable_weights
        optimizer.apply_gradients(zip(tape.gradient(value, weights), weights, strict=True))

    @tf.function(input_signature=train.element_spec)
    @unconverted
    def validate(features, labels):
        return loss(labels[:, None], keras_model(features, training=False))

    steps, validations = list(train), list(prepared.evaluation.batches(2048))
    step(*steps[0])  # traced
    validate(*validations[0])
    history = json.loads(_latest(workspace, "Trainer/model_run").joinpath(HISTORY).read_text())
    started = time.perf_counter()
    for _ in history["epochs"]:
        for batch in steps:
            step(*batch)
        for batch in validations:
            validate(*batch)
    return time.perf_counter() - started


def predicting(workspace: Path) -> float:
    """The exported model loaded, and one pass over the test split."""
    started = time.perf_counter()
    folder = _latest(workspace, "Trainer/model") / "Format-Serving"
    signature = tf.saved_model.load(str(folder)).signatures["tf_example"]
    for batch in _records(workspace, "test").batch(_AT_ONCE):
        signature(examples=batch)
    return time.perf_counter() - started


def answering(workspace: Path) -> float:
    """The exported model loaded, and one review answered."""
    started = time.perf_counter()
    folder = _latest(workspace, "Trainer/model") / "Format-Serving"
    tf.saved_model.load(str(folder)).signatures["serving_default"](text=tf.constant(["A fine film."]))
    return time.perf_counter() - started


FLOORS: dict[str, Floor] = {
    floor.__name__: floor for floor in (writing, reading, tokenizing, fitting, predicting, answering)
}


def _prepared(workspace: Path) -> Prepared:
    settings = Settings()
    examples = _latest(workspace, "ImdbExampleGen/examples")
    return prepare(
        settings.trainer,
        settings.embedding,
        cache_dir=settings.cache,
        train_files=[f"{examples}/Split-train/*"],
        eval_files=[f"{examples}/Split-eval/*"],
    )


def _fresh(prepared: Prepared) -> model.Feed:
    classifier = model.build(prepared.fresh_embedding(), prepared.vocabulary, Settings().trainer)
    return model.encoded_feed(classifier)


def _records(workspace: Path, split: str) -> tf.data.Dataset:
    folder = _latest(workspace, "ImdbExampleGen/examples")
    files = sorted(str(path) for path in folder.glob(f"Split-{split}/*"))
    return tf.data.TFRecordDataset(files, compression_type="GZIP")


def _latest(workspace: Path, output: str) -> Path:
    """The newest artifact of a stage's output, such as `Trainer/model`."""
    return max((workspace / "artifacts" / output).iterdir(), key=lambda path: int(path.name))


if __name__ == "__main__":
    print(FLOORS[sys.argv[1]](Path(sys.argv[2])))
