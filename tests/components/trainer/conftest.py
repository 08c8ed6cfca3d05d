from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import tensorflow as tf
import tensorflow_hub as hub
from example_files import write_examples

from components.embeddings.load import load
from components.embeddings.locate import locate
from components.embeddings.settings import EmbeddingSettings
from components.trainer import train
from components.trainer.classifier import model
from components.trainer.settings import TrainerSettings

Labeled = Sequence[tuple[str, int]]


def _write(folder: Path, rows: Labeled, *, shards: int = 1) -> None:
    for shard in range(shards):
        write_examples(folder / f"data_tfrecord-{shard:05d}.gz", rows[shard::shards])


@pytest.fixture(scope="session")
def write_split(tmp_path_factory) -> Callable[..., str]:
    """Writes a split and returns its file pattern."""

    def write(rows: Labeled, *, shards: int = 1) -> str:
        folder = tmp_path_factory.mktemp("split")
        _write(folder, rows, shards=shards)
        return str(folder / "*")

    return write


@pytest.fixture(scope="session")
def cache_dir(embedding_cache) -> Path:
    return embedding_cache


@pytest.fixture(scope="session")
def embedding_settings() -> EmbeddingSettings:
    return EmbeddingSettings(vocabulary_size=2000)


@pytest.fixture(scope="session")
def examples_uri(packaged_reviews, tmp_path_factory) -> Path:
    """An Examples artifact's folder with 400 training and 200 eval reviews."""
    folder = tmp_path_factory.mktemp("examples")
    _write(folder / "Split-train", packaged_reviews[:400], shards=2)
    _write(folder / "Split-eval", packaged_reviews[400:600])
    return folder


@pytest.fixture(scope="session")
def train_files(examples_uri) -> list[str]:
    return [f"{examples_uri}/Split-train/*"]


@pytest.fixture(scope="session")
def eval_files(examples_uri) -> list[str]:
    return [f"{examples_uri}/Split-eval/*"]


@pytest.fixture(scope="session")
def train_as_the_stage(embedding_settings, cache_dir, train_files, eval_files):
    """Trains with settings, for a gate that judges on a test split."""

    def fit(settings: TrainerSettings):
        return train.train(
            settings=settings,
            embedding_settings=embedding_settings,
            cache_dir=cache_dir,
            train_files=train_files,
            eval_files=eval_files,
            judged_split="test",
        )

    return fit


@pytest.fixture
def embedding(embedding_settings, cache_dir) -> hub.KerasLayer:
    """A fresh copy of GloVe's 2,000 most frequent words."""
    return load(locate(embedding_settings, cache_dir=cache_dir), name="glove-6b-50d", trainable=True)


@pytest.fixture
def frozen_embedding(embedding_settings, cache_dir) -> hub.KerasLayer:
    return load(locate(embedding_settings, cache_dir=cache_dir), name="glove-6b-50d", trainable=False)


@pytest.fixture
def classifier(embedding) -> model.Classifier:
    return model.build(embedding, None, TrainerSettings())


@pytest.fixture
def reload(embedding_settings, cache_dir) -> Callable[[hub.KerasLayer], hub.KerasLayer]:
    """The same embedding as it was before any training."""

    def again(layer: hub.KerasLayer) -> hub.KerasLayer:
        return load(locate(embedding_settings, cache_dir=cache_dir), name="again", trainable=layer.trainable)

    return again


@pytest.fixture
def trainable_hub_module(tmp_path) -> hub.KerasLayer:
    """A text embedding as others publish them: trainable, without our `token_ids` and `embed_ids`."""
    module = tf.train.Checkpoint()
    module.table = tf.Variable(tf.random.stateless_normal([64, 4], seed=[1, 2]))
    module.trainable_variables = module.variables = [module.table]
    module.regularization_losses = []

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def embed(text: tf.Tensor) -> tf.Tensor:
        words = tf.strings.split(text)
        rows = tf.gather(module.table, tf.strings.to_hash_bucket_fast(words.flat_values, 64))
        return tf.math.unsorted_segment_sqrt_n(rows, words.value_rowids(), words.nrows())

    module.__call__ = embed
    tf.saved_model.save(module, str(tmp_path / "module"))
    return load(str(tmp_path / "module"), name="theirs", trainable=True)


@pytest.fixture(scope="session")
def session_classifier(embedding_settings, cache_dir, train_files, eval_files) -> model.Classifier:
    """A classifier after a short training; shared, so not to be trained further."""
    classifier, _ = train.train(
        settings=TrainerSettings(epochs=6, batch_size=64, learning_rate=0.01),
        embedding_settings=embedding_settings,
        cache_dir=cache_dir,
        train_files=train_files,
        eval_files=eval_files,
    )
    return classifier
