"""The inputs of a fit, prepared once for any number of fits: encoded examples and n-gram vocabulary."""

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_hub as hub
import tf_keras

from components.class_names import Names
from components.embeddings.load import load
from components.embeddings.locate import locate
from components.embeddings.settings import EmbeddingSettings
from components.reviews import CLASSES
from components.trainer import progress
from components.trainer.classifier import data, model, ngrams
from components.trainer.classifier.class_tally import ClassTally
from components.trainer.classifier.ngram_tally import NgramTally
from components.trainer.distribution import DistributedCopy, SharedModel
from components.trainer.negation import are_english
from components.trainer.settings import TrainerSettings
from components.unspaced_scripts import share_of_letters

_SAMPLE = 25_000
"""The approximate number of examples that n-grams are learned from if examples are streamed: 160 MB."""
_READ_FOR_LANGUAGE = 2_000
"""The number of texts by which `auto` decides: trainer.tokens, ngram_negation, ngram_ending."""
_ENDING = 15
"""`trainer.ngram_ending` for reviews. Where texts end in signatures, or the like, it costs accuracy."""
_LEAST_SHARE = 0.1
"""The share of letters of scripts without spaces from which on `trainer.tokens = "auto"` splits them."""


@dataclasses.dataclass(frozen=True)
class Prepared:
    """Examples and n-grams for fits with the embedding at `handle`, which each fit loads afresh to change it.

    Both sets of examples are encoded for `model.encoded_feed`.

    Attributes:
      vocabulary: the n-grams, with the values that `train` teaches.
      vocabulary_of_both: the same n-grams with the values that both sets teach, for a refit.
      not_refit: why there is no refit, a clause; None if there is one.
      classes: the names of the classes.
      by_character: whether each character of a script without spaces between words is a token.
    """

    handle: str
    embedding: EmbeddingSettings
    vocabulary: ngrams.Vocabulary | None
    train: data.Batches
    evaluation: data.Batches
    vocabulary_of_both: ngrams.Vocabulary | None = None
    not_refit: str | None = None
    classes: Names = CLASSES
    by_character: bool = False

    def together(self) -> data.Batches:
        """Both sets of examples, encoded with `vocabulary_of_both`, for a refit."""
        both = self.train.followed_by(self.evaluation)
        if self.vocabulary_of_both is not None:
            index = ngrams.NgramIndex(self.vocabulary_of_both)
            both = both.mapped(lambda features: (*features[:2], index.root(features[1])))
        return both

    def fresh_embedding(self) -> hub.KerasLayer:
        return load(self.handle, name=self.embedding.name, trainable=self.embedding.trained)

    def fresh_classifier(self, settings: TrainerSettings) -> model.Classifier:
        """An untrained classifier; also seeds the random numbers of its fit."""
        tf_keras.utils.set_random_seed(settings.seed)
        return self._build(self.fresh_embedding(), settings)

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
            copy = self._build(embedding, settings, width=width)
            distributed = DistributedCopy(strategy, copy, model.encoded_feed(copy, SharedModel))
            distributed.copy_from(classifier)
        return distributed

    def _build(
        self, embedding: hub.KerasLayer, settings: TrainerSettings, *, width: int | None = None
    ) -> model.Classifier:
        return model.build(
            embedding,
            self.vocabulary,
            settings,
            width=width,
            classes=len(self.classes),
            by_character=self.by_character,
        )


def prepare(
    settings: TrainerSettings,
    embedding: EmbeddingSettings,
    *,
    cache_dir: Path,
    train_files: Sequence[str],
    eval_files: Sequence[str],
    judged_split: str = "eval",
    classes: Names = CLASSES,
) -> Prepared:
    """Finds the embedding, reads both splits, and learns the n-grams: of the first, for a refit of both.

    Args:
      cache_dir: the folder of built and downloaded embeddings.
      train_files, eval_files: patterns of GZIP TFRecords of examples.
      judged_split: the split that the fitted model will be judged on; if that is eval, there is no refit.
      classes: the names of the classes.

    Raises:
      InputError: the embedding cannot be found or used.
      GreenlightError: a split is empty or cannot be read.
    """
    handle = locate(embedding, cache_dir=cache_dir, progress=progress.report)
    encode_words = model.embedding_encoder(load(handle, name=embedding.name, trainable=embedding.trained))
    sizes = {"train": data.count(train_files, split="train"), "eval": data.count(eval_files, split="eval")}
    files = {"train": train_files, "eval": eval_files}
    settings = settings.scaled(examples=sizes["train"])
    streamed = sum(sizes.values()) > settings.memory_examples
    not_refit = settings.why_not_refit(judged_split=judged_split, streamed=streamed)
    first = data.first_texts(train_files, most=_READ_FOR_LANGUAGE)
    by_character = _by_character(settings, first)
    learner = _NgramLearner(
        settings,
        refit=not_refit is None,
        english_of_two=len(classes) == 2 and are_english(first),
        classes=len(classes),
        by_character=by_character,
    )
    if streamed:
        progress.report(f"{sizes['train']:,} and {sizes['eval']:,} examples are streamed in every epoch")
        splits = _streamed(settings, encode_words, files, sizes, learner)
    else:
        progress.report(f"encoding {sizes['train']:,} and {sizes['eval']:,} examples")
        splits = _encoded(settings, encode_words, files, learner)
    return Prepared(
        handle,
        embedding,
        learner.of_train,
        splits["train"],
        splits["eval"],
        vocabulary_of_both=learner.of_both,
        not_refit=not_refit,
        classes=classes,
        by_character=by_character,
    )


def _by_character(settings: TrainerSettings, first: Sequence[str]) -> bool:
    """Whether characters of scripts without spaces are tokens, which `auto` decides by a sample of texts."""
    if settings.tokens != "auto":
        return settings.tokens == "characters"
    share = share_of_letters(first)
    if share < _LEAST_SHARE:
        return False
    progress.report(
        f"{share:.0%} of the letters are of scripts without spaces between words: each character is a token "
        "(trainer.tokens)"
    )
    return True


class _NgramLearner:
    """Learns the n-grams of the splits.

    Args:
      refit: whether eval is learned from, too.
      english_of_two: whether the texts are English and of two classes, by which `auto` decides.
      by_character: see `Prepared`.

    Attributes:
      of_train: the n-grams with the values of train; None before `learn`, and if the model has no n-grams.
      of_both: the same n-grams with the values of both splits; None without a refit.
    """

    def __init__(
        self,
        settings: TrainerSettings,
        *,
        refit: bool,
        english_of_two: bool,
        classes: int = 2,
        by_character: bool = False,
    ) -> None:
        self._settings, self._by_character = settings, by_character
        negation, ending = settings.ngram_negation, settings.ngram_ending
        self._kind: dict[str, Any] = {
            "order": settings.ngram_order,
            "negation": english_of_two if negation == "auto" else negation,
            "ending": _ENDING * english_of_two if ending == "auto" else ending,
        }
        self._tally = NgramTally() if classes == 2 else ClassTally(classes)
        self.splits = ("train", "eval") if refit else ("train",)
        self.of_train: ngrams.Vocabulary | None = None
        self.of_both: ngrams.Vocabulary | None = None

    def learn(self, split: str, parts: Iterable[tuple[tf.RaggedTensor, np.ndarray]]) -> None:
        """Learns from the hashed n-grams and the labels of a split: first train, then eval for a refit."""
        for hashes, labels in parts:
            lengths = hashes.row_lengths().numpy()
            self._tally.add(hashes.flat_values.numpy(), lengths=lengths, labels=labels)
        found = self._vocabulary()
        if split == "train":
            self.of_train = found
        elif self.of_train is not None:
            # One list of n-grams for both fits: the examples are encoded once.
            self.of_train, self.of_both = self.of_train.values_for(found), found

    def _vocabulary(self) -> ngrams.Vocabulary:
        given: dict[str, Any] = {
            "min_count": self._settings.ngram_min_count,
            "limit": self._settings.ngram_limit,
            **self._kind,
        }
        if isinstance(self._tally, ClassTally):
            return ngrams.learn_classes(self._tally, **given)
        return ngrams.learn(self._tally, **given)

    def segmenting(self, encode: data.Encode) -> data.Encode:
        """`encode` of segmented texts; see `model.segmenting`."""
        return model.segmenting(encode, by_character=self._by_character)

    def hashes(self, text: tf.Tensor) -> tf.RaggedTensor:
        """The n-grams of segmented texts, to learn from: string [N] -> ragged int64 [N, None]."""
        return ngrams.hashes(text, **self._kind)

    def encoder(self, encode_words: data.Encode) -> data.Encode:
        """The encoder of `model.encoded_feed` for a classifier with these n-grams."""
        if self.of_train is None:
            return self.segmenting(encode_words)
        index = ngrams.NgramIndex(self.of_train)
        return self.segmenting(lambda text: (encode_words(text), *index.encoded(text)))


def _streamed(
    settings: TrainerSettings,
    encode_words: data.Encode,
    files: Mapping[str, Sequence[str]],
    sizes: Mapping[str, int],
    learner: _NgramLearner,
) -> dict[str, data.Batches]:
    """Streams of the splits; learns the n-grams from samples, in bounded memory."""
    for split in learner.splits if settings.ngram_order else ():
        sample = data.encoded(
            files[split],
            split=split,
            encode=learner.segmenting(learner.hashes),
            one_in=math.ceil(sizes["train"] / _SAMPLE),
        )
        learner.learn(split, ((part.features, part.labels) for part in sample))
    encode = learner.encoder(encode_words)
    return {split: data.StreamedReviews(files[split], sizes[split], encode) for split in files}


def _encoded(
    settings: TrainerSettings,
    encode_words: data.Encode,
    files: Mapping[str, Sequence[str]],
    learner: _NgramLearner,
) -> dict[str, data.Batches]:
    """Reads and encodes the splits, and learns the n-grams; tokenizes each example once."""
    if not settings.ngram_order:
        encode = learner.encoder(encode_words)
        return {split: data.read(files[split], split=split, encode=encode) for split in files}
    tokenized = learner.segmenting(lambda text: (encode_words(text), learner.hashes(text)))
    hashed = {}
    # Counting sorts while TensorFlow reads the next split.
    with ThreadPoolExecutor(1) as beside:
        counted = []
        for split in learner.splits:
            reviews = hashed[split] = data.read(files[split], split=split, encode=tokenized)
            part = (reviews.features[1], reviews.labels.numpy())
            counted.append(beside.submit(learner.learn, split, [part]))
        for each in counted:
            each.result()
    assert learner.of_train is not None
    index = ngrams.NgramIndex(learner.of_train)
    encoded: dict[str, data.Batches] = {}
    for split in files:
        if split in hashed:
            of_hashes = hashed.pop(split)  # eight bytes for each n-gram, which are not needed again
            encoded[split] = of_hashes.mapped(
                lambda features: (features[0], *index.encoded_hashes(features[1]))
            )
        else:
            encoded[split] = data.read(files[split], split=split, encode=learner.encoder(encode_words))
    return encoded
