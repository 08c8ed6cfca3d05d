import tensorflow as tf

from components.embeddings.rows import row_of_each


def test_rows_are_those_of_value_rowids():
    for rows in ([[1, 2], [], [3], []], [[]], [], [[7, 8, 9]]):
        ragged = tf.ragged.constant(rows, dtype=tf.int32, ragged_rank=1, row_splits_dtype=tf.int64)
        assert row_of_each(ragged).numpy().tolist() == ragged.value_rowids().numpy().tolist()
