"""The transfer of weights from an exported model to a new classifier.

Parts that fit are transferred; others stay unchanged and are reported, without an error: a changed setting
must not stop a retraining.
"""

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from components.trainer.classifier.model import Classifier
from components.trainer.classifier.ngrams import Vocabulary
from serving.model.loader import LoadError, load_parts
from serving.tensorflow_errors import root_cause

VOCABULARY = "vocabulary.txt"
_SMALLEST = 1e-6


class _DoesNotFit(Exception):
    """A part cannot be transferred; the message is a clause with the reason."""


@dataclasses.dataclass(frozen=True)
class Transferred:
    """Which parts of a model were transferred.

    Attributes:
      said: part -> what was transferred, or why nothing was; a clause for the report.
      embedding, head, ngrams: whether that part was transferred.
    """

    said: dict[str, str]
    embedding: bool = False
    head: bool = False
    ngrams: bool = False

    @property
    def anything(self) -> bool:
        return self.embedding or self.head or self.ngrams

    def __str__(self) -> str:
        return "; ".join(f"{part}: {clause}" for part, clause in self.said.items())


def transfer_weights(
    classifier: Classifier,
    folder: str | Path,
    *,
    handle: str,
    vocabulary: Vocabulary | None,
    other_classes: str | None = None,
) -> Transferred:
    """Transfers the fitting weights of the model exported to `folder` to `classifier`.

    Args:
      classifier: an untrained classifier.
      folder: the SavedModel that `signatures.export` wrote.
      handle: the source of the classifier's embedding.
      vocabulary: the classifier's n-grams; None if it has none.
      other_classes: a clause, if the model has other classes: then neither its head nor its n-grams are
        transferred.
    """
    try:
        live = load_parts(str(folder))
        embedding, head, index, tables = live.embedding, list(live.head), live.ngram_index, live.ngram_tables
    except (LoadError, AttributeError, TypeError) as error:  # AttributeError: another kind of model
        return Transferred({"model": f"its weights cannot be read ({root_cause(error)})"})
    taken, said = {}, {}
    taken["embedding"], said["embedding"] = _attempt(
        _take_embedding, classifier, embedding, Path(folder), Path(handle)
    )
    if other_classes is not None:
        taken["head"] = taken["ngrams"] = False
        said["head"] = said["ngrams"] = f"starts afresh, {other_classes}"
    else:
        taken["head"], said["head"] = _attempt(
            _take_head, classifier, head, embedding_fits=taken["embedding"]
        )
        taken["ngrams"], said["ngrams"] = _attempt(_take_ngrams, classifier, index, tables, vocabulary)
    return Transferred(said, **taken)


def _attempt(take: Callable[..., str], *args: Any, **options: Any) -> tuple[bool, str]:
    """Calls `take`, which transfers a part; returns whether the part fits, and the clause about it."""
    try:
        return True, take(*args, **options)
    except _DoesNotFit as reason:
        return False, f"starts afresh, {reason}"


def _take_embedding(classifier: Classifier, live: Any, folder: Path, handle: Path) -> str:
    ours, theirs = classifier.embedding.weights, list(getattr(live, "variables", ()))
    if not ours or not theirs:
        raise _DoesNotFit("it shows no variables")
    same_words = _assets(folder) == _assets(handle)
    if same_words and _shapes(ours) == _shapes(theirs):
        return _take_variables(classifier, theirs)
    if not classifier.embedding.trainable:
        raise _DoesNotFit("it is another one, and is not trained here")
    table, old = _tables(classifier, live)
    if table.shape[1] != old.shape[1]:
        raise _DoesNotFit(f"its vectors have {old.shape[1]} numbers instead of {table.shape[1]}")
    return _take_words(table, old, words=_words(handle), old_words=_words(folder))


def _take_variables(classifier: Classifier, theirs: list[tf.Variable]) -> str:
    ours = classifier.embedding.weights
    if classifier.embedding.trainable:
        for variable, value in zip(ours, theirs, strict=True):
            variable.assign(value)
        return "all of it"
    if not all(np.array_equal(a.numpy(), b.numpy()) for a, b in zip(ours, theirs, strict=True)):
        raise _DoesNotFit("the live model's was trained, and here it is not")
    return "the same, untrained"


def _tables(classifier: Classifier, live: Any) -> tuple[tf.Variable, tf.Variable]:
    """The tables of word vectors of both models."""
    table, old = (getattr(one, "table", None) for one in (classifier.embedding.resolved_object, live))
    if table is None or old is None:
        raise _DoesNotFit("it is another one")
    return table, old


def _take_words(
    table: tf.Variable, old: tf.Variable, *, words: dict[bytes, int], old_words: dict[bytes, int]
) -> str:
    """Copies the vectors of the words in both vocabularies."""
    shared = [(row, old_words[word]) for word, row in words.items() if word in old_words]
    if not shared:
        raise _DoesNotFit("no word in common")
    rows, old_rows = np.array(shared).T
    vectors = table.numpy()
    vectors[rows] = old.numpy()[old_rows]
    table.assign(vectors)
    return f"the vectors of {len(shared):,} of {len(words):,} words, the others start afresh"


def _take_head(classifier: Classifier, live: list[tf.Variable], *, embedding_fits: bool) -> str:
    if not embedding_fits:
        raise _DoesNotFit("it belongs to its embedding")
    ours = classifier.head.weights
    if _shapes(ours) != _shapes(live):
        raise _DoesNotFit(f"its shapes are {_shown(live)} instead of {_shown(ours)}")
    for variable, value in zip(ours, live, strict=True):
        variable.assign(value)
    return "all of it"


def _take_ngrams(classifier: Classifier, index: Any, tables: Any, vocabulary: Vocabulary | None) -> str:
    if classifier.ngrams is None or vocabulary is None:
        raise _DoesNotFit("the new model has none")
    if index is None or tables is None:
        raise _DoesNotFit("the live model has none")
    if tables[0].shape.as_list()[1:] != list(vocabulary.values.shape[1:]):
        raise _DoesNotFit("the live model's are of another number of classes")
    keys = tf.constant(vocabulary.keys, tf.int64)
    found = tf.raw_ops.LookupTableFindV2(
        table_handle=index.table.resource_handle, keys=keys, default_value=tf.constant(-1)
    ).numpy()
    known = found >= 0
    if not known.any():
        raise _DoesNotFit("none of the n-grams is the same")
    # What an n-gram adds to the score is its value times its weight. The value is counted anew, so the weight
    # is what keeps the product as it was.
    products = np.zeros_like(vocabulary.values)
    products[known] = tables[0].numpy()[found[known]]
    usable = np.abs(vocabulary.values) > _SMALLEST
    weights = np.zeros_like(vocabulary.values)
    weights[usable] = products[usable] / vocabulary.values[usable]
    classifier.ngrams.weight.assign(weights)
    return f"the weights of {known.sum():,} of {len(vocabulary):,} word n-grams"


def _assets(folder: Path) -> list[str]:
    """The content of the vocabulary files of a module."""
    return sorted(
        hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (folder / "assets").glob("**/*")
        if path.is_file()
    )


def _words(folder: Path) -> dict[bytes, int]:
    """Row of each word."""
    path = folder / "assets" / VOCABULARY
    if not path.is_file():
        raise _DoesNotFit("it is another one")
    return {word: row for row, word in enumerate(path.read_bytes().splitlines())}


def _shapes(variables: list[tf.Variable]) -> list[list[int]]:
    return [variable.shape.as_list() for variable in variables]


def _shown(variables: list[tf.Variable]) -> str:
    return ", ".join("x".join(map(str, shape)) for shape in _shapes(variables))
