"""The export of word vectors as a trainable TF Hub text embedding that takes raw strings."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from components.embeddings import tokenization
from components.embeddings.rows import row_of_each


class TextEmbedding(tf.train.Checkpoint):
    """string [N] -> float32 [N, D], the TF2 reusable SavedModel interface (`__call__`, `variables`, ...).

    A text's vector is the sum of its tokens' vectors divided by the square root of their number ("sqrtn"); a
    text without tokens gets zeros. A token that is not in the vocabulary takes one of the hashed rows at the
    end of the table. Beside `__call__` there are its two halves, so that a trainer can make the ids once:
    `embed_ids(token_ids(text))` equals calling the module on `text`.
    """

    def __init__(self, *, vocabulary_file: Path, vectors: np.ndarray):
        """`vocabulary_file`: a token a line; `vectors`: float32 [V + hashed rows, D], theirs first."""
        super().__init__()
        words = tf.lookup.TextFileInitializer(
            str(vocabulary_file),
            key_dtype=tf.string,
            key_index=tf.lookup.TextFileIndex.WHOLE_LINE,
            value_dtype=tf.int64,
            value_index=tf.lookup.TextFileIndex.LINE_NUMBER,
        )
        with vocabulary_file.open("rb") as file:
            size = sum(1 for _ in file)
        self.vocabulary = tf.lookup.StaticVocabularyTable(words, num_oov_buckets=len(vectors) - size)
        self.table = tf.Variable(vectors, name="word_vectors", dtype=tf.float32)
        self.variables = [self.table]
        self.trainable_variables = [self.table]
        self.regularization_losses: list = []

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def __call__(self, text: tf.Tensor) -> tf.Tensor:
        return self.embed_ids(self.token_ids(text))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def token_ids(self, text: tf.Tensor) -> tf.RaggedTensor:
        """Rows of the table: string [N] -> ragged int32 [N, None]."""
        tokens = tokenization.tokens(text)
        return tokens.with_flat_values(tf.cast(self.vocabulary.lookup(tokens.flat_values), tf.int32))

    @tf.function(input_signature=[tf.RaggedTensorSpec([None, None], tf.int32, ragged_rank=1)])
    def embed_ids(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """The combined vectors of each row's ids: ragged int32 [N, None] -> float32 [N, D]."""
        return tf.sparse.segment_sqrt_n(
            self.table, ids.flat_values, row_of_each(ids), num_segments=ids.nrows()
        )


class ConstantEmbedding(tf.train.Checkpoint):
    """string [N] -> zeros, float32 [N, 1]: a module that knows no word, and has nothing to train."""

    def __init__(self) -> None:
        super().__init__()
        self.variables: list = []
        self.trainable_variables: list = []
        self.regularization_losses: list = []

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def __call__(self, text: tf.Tensor) -> tf.Tensor:
        return tf.zeros([tf.size(text), 1], tf.float32)


def save_constant(folder: Path) -> None:
    """Writes the embedding without words as a SavedModel to the new folder `folder`."""
    folder.mkdir(parents=True)
    tf.saved_model.save(ConstantEmbedding(), str(folder))


def save(folder: Path, *, words: tuple[str, ...], vectors: np.ndarray) -> None:
    """Writes the embedding of `words` as a self-contained SavedModel to the new folder `folder`.

    `vectors` is float32 [V + hashed rows, D] with V = len(words) and at least one hashed row.
    """
    if len(vectors) <= len(words):
        raise ValueError(f"{len(vectors)} vectors leave no row for unknown words beside {len(words)} words")
    folder.mkdir(parents=True)
    vocabulary_file = folder / "vocabulary.txt"
    vocabulary_file.write_text("".join(f"{word}\n" for word in words), encoding="utf-8", newline="\n")
    tf.saved_model.save(TextEmbedding(vocabulary_file=vocabulary_file, vectors=vectors), str(folder))
    vocabulary_file.unlink()
