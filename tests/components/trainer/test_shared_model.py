"""A step that is shared out does what Keras's own does, with the penalties of the layers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from components.trainer.classifier.conversion import UnconvertedModel
from components.trainer.distribution import SharedModel, sharded

ROOT = Path(__file__).parents[3]
ROWS = np.arange(14, dtype=np.float32).reshape(7, 2) / 7
LABELS = np.array([[0], [1], [1], [0], [1], [0], [1]], np.float32)


def fitted(kind: type[tf_keras.Model], strategy: tf.distribute.Strategy | None = None) -> list[float]:
    """The weights, the loss and the accuracy after two epochs in batches of 5, the second of 2 rows."""
    with (strategy or tf.distribute.get_strategy()).scope():
        given = tf_keras.Input([2])
        layer = tf_keras.layers.Dense(
            1, kernel_initializer="ones", kernel_regularizer=tf_keras.regularizers.L2(0.5)
        )
        trained = kind(given, layer(given))
        trained.compile(
            tf_keras.optimizers.legacy.SGD(0.5),
            loss=tf_keras.losses.BinaryCrossentropy(from_logits=True),
            metrics=[tf_keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)],
        )
    batches = tf.data.Dataset.from_tensor_slices((ROWS, LABELS)).batch(5)
    history = trained.fit(sharded(batches), epochs=2, verbose=0).history
    return [*trained.get_weights()[0][:, 0].tolist(), *history["loss"], *history["accuracy"]]


def test_a_fit_in_one_part_comes_to_what_keras_comes_to():
    np.testing.assert_allclose(fitted(SharedModel), fitted(UnconvertedModel), rtol=1e-5)


@pytest.mark.proof
def test_a_fit_in_two_parts_comes_to_what_keras_comes_to():
    """In a process of its own: how many processors TensorFlow sees is settled when it starts."""
    done = subprocess.run(
        [sys.executable, __file__],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["replicas"] == 2
    np.testing.assert_allclose(told["shared"], told["plain"], rtol=1e-5)


if __name__ == "__main__":
    (processor,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
    mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    both = {"shared": fitted(SharedModel, mirrored), "plain": fitted(UnconvertedModel)}
    print(json.dumps({**both, "replicas": mirrored.num_replicas_in_sync}), flush=True)
    os._exit(0)  # TensorFlow's threads take their time to come apart
