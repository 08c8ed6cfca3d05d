"""The inputs of a fit, prepared once for any number of fits: encoded reviews and n-gram vocabulary."""

import dataclasses
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_hub as hub
import tf_keras

from components.embeddings.load import load
from components.embeddings.locate import locate
from components.embeddings.settings import EmbeddingSettings
from components.trainer import progress
from components.trainer.classifier import data, model, ngrams
from components.trainer.classifier.ngram_tally import NgramTally
from components.trainer.distribution import DistributedCopy, SharedModel
from components.trainer.settings import TrainerSettings

_SAMPLE = 25_000
"""The approximate number of reviews that n-grams are learned from if reviews are streamed: 160 MB."""


@dataclasses.dataclass(frozen=True)
class Prepared:
    """Reviews and n-grams for fits with the embedding at `handle`, which each fit loads afresh to change it.

    Both sets of reviews are encoded for `model.encoded_feed`.
    """

    handle: str
    embedding: EmbeddingSettings
    vocabulary: ngrams.Vocabulary | None
    train: data.Batches
    evaluation: data.Batches

    def fresh_embedding(self) -> hub.KerasLayer:
        return load(self.handle, name=self.embedding.name, trainable=self.embedding.trainable)

    def fresh_classifier(self, settings: TrainerSettings) -> model.Classifier:
        """An untrained classifier; also seeds the random numbers of its fit."""
        tf_keras.utils.set_random_seed(settings.seed)
        return model.build(self.fresh_embedding(), self.vocabulary, settings)

    def distributed(
        self, classifier: model.Classifier, settings: TrainerSettings, strategy: Any
    ) -> DistributedCopy:
        """A copy of `classifier`, to be trained under a `tf.distribute` strategy."""
        embedding = classifier.embedding
        tf_keras.utils.set_random_seed(settings.seed)
        with strategy.scope():
            if embedding.trainable:
                # Not `load`, whose checks call the layer, which TensorFlow allows only on a replica.
                embedding = hub.KerasLayer(self.handle, trainable=True, input_shape=[], dtype=tf.string)
            width = classifier.head.inputs[0].shape[1]
            copy = model.build(embedding, self.vocabulary, settings, width=width)
            distributed = DistributedCopy(strategy, copy, model.encoded_feed(copy, SharedModel))
            distributed.copy_from(classifier)
        return distributed


def prepare(
    settings: TrainerSettings,
    embedding: EmbeddingSettings,
    *,
    cache_dir: Path,
    train_files: Sequence[str],
    eval_files: Sequence[str],
) -> Prepared:
    """Finds the embedding, reads both splits, and learns the n-grams of the first.

    Args:
      cache_dir: the folder of built and downloaded embeddings.
      train_files, eval_files: patterns of GZIP TFRecords of reviews.

    Raises:
      InputError: the embedding cannot be found or used.
      GreenlightError: a split is empty or cannot be read.
    """
    handle = locate(embedding, cache_dir=cache_dir, progress=progress.report)
    encode_words = model.embedding_encoder(load(handle, name=embedding.name, trainable=embedding.trainable))
    train, evaluation = data.count(train_files, split="train"), data.count(eval_files, split="eval")
    settings = settings.scaled(reviews=train)
    if train + evaluation > settings.memory_reviews:
        progress.report(f"{train:,} and {evaluation:,} reviews are streamed in every epoch")
        vocabulary = _learn_from_sample(settings, train_files, train)
        encode = _encoder(encode_words, vocabulary)
        streams = (
            data.StreamedReviews(files, size, encode)
            for files, size in ((train_files, train), (eval_files, evaluation))
        )
        return Prepared(handle, embedding, vocabulary, *streams)
    progress.report(f"encoding {train:,} and {evaluation:,} reviews")
    return Prepared(handle, embedding, *_encoded(settings, encode_words, train_files, eval_files))


def _encoder(encode_words: data.Encode, vocabulary: ngrams.Vocabulary | None) -> data.Encode:
    """The encoder of `model.encoded_feed` for a classifier with that vocabulary."""
    if vocabulary is None:
        return encode_words
    index = ngrams.NgramIndex(vocabulary)
    return lambda text: (encode_words(text), *index.encoded(text))


def _encoded(
    settings: TrainerSettings, encode: data.Encode, train_files: Sequence[str], eval_files: Sequence[str]
) -> tuple[ngrams.Vocabulary | None, data.ReviewsInMemory, data.ReviewsInMemory]:
    """Reads and encodes the reviews, and learns the n-grams; tokenizes each review once."""
    order = settings.ngram_order
    if not order:
        train = data.read(train_files, split="train", encode=encode)
        return None, train, data.read(eval_files, split="eval", encode=encode)
    hashed = data.read(
        train_files, split="train", encode=lambda text: (encode(text), ngrams.hashes(text, order=order))
    )
    vocabulary = _learn(settings, [(hashed.features[1], hashed.labels.numpy())])
    index = ngrams.NgramIndex(vocabulary)
    train = hashed.mapped(lambda features: (features[0], *index.encoded_hashes(features[1])))
    evaluation = data.read(eval_files, split="eval", encode=lambda text: (encode(text), *index.encoded(text)))
    return vocabulary, train, evaluation


def _learn_from_sample(
    settings: TrainerSettings, train_files: Sequence[str], size: int
) -> ngrams.Vocabulary | None:
    """Learns the n-grams from a sample of the reviews, in bounded memory."""
    if not settings.ngram_order:
        return None
    sample = data.encoded(
        train_files,
        split="train",
        encode=lambda text: ngrams.hashes(text, order=settings.ngram_order),
        one_in=math.ceil(size / _SAMPLE),
    )
    return _learn(settings, ((part.features, part.labels) for part in sample))


def _learn(
    settings: TrainerSettings, parts: Iterable[tuple[tf.RaggedTensor, np.ndarray]]
) -> ngrams.Vocabulary:
    """Learns from the hashed n-grams and the labels of reviews."""
    tally = NgramTally()
    for hashes, labels in parts:
        tally.add(hashes.flat_values.numpy(), lengths=hashes.row_lengths().numpy(), labels=labels)
    return ngrams.learn(
        tally, order=settings.ngram_order, min_count=settings.ngram_min_count, limit=settings.ngram_limit
    )
