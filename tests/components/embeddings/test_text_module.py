import math
import shutil

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub as hub

from components.embeddings import text_module

# Row i of the tiny embedding is (i + 1, 10 * (i + 1)); "the film is good" are rows 0 to 3.


@pytest.fixture(scope="module")
def tiny(tiny_folder):
    return hub.load(str(tiny_folder))


def test_a_text_is_the_sum_of_its_tokens_over_the_root_of_their_number(tiny):
    vectors = tiny(tf.constant(["the film is good", "GOOD!<br />", "good"]))
    assert vectors.dtype == tf.float32
    expected = [[10 / 2, 100 / 2], [12 / math.sqrt(2), 120 / math.sqrt(2)], [4, 40]]
    np.testing.assert_allclose(vectors, expected, rtol=1e-6)


def test_text_without_tokens_is_zero(tiny):
    np.testing.assert_array_equal(
        tiny(tf.constant(["", " <br /> ", "good", ""])), [[0, 0], [0, 0], [4, 40], [0, 0]]
    )


def test_no_texts_give_no_vectors(tiny):
    assert tiny(tf.constant([], tf.string)).shape == (0, 2)


def test_unknown_words_share_the_rows_at_the_end(tiny):
    rows = tiny.token_ids(tf.constant(["one two three four five six seven eight"])).flat_values.numpy()
    assert set(rows) == {9, 10}


def test_invalid_utf8_and_very_long_text(tiny):
    vectors = tiny(tf.constant([b"\xff\xfe\xc3(", b"good " * 100_000, b"good\x00\xf0\x9f"]))
    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(vectors[1], [4 * math.sqrt(100_000), 40 * math.sqrt(100_000)], rtol=1e-4)


def test_both_halves_make_the_whole(tiny):
    texts = tf.constant(["It isn't good!", "", "café, the bad film", "?"])
    ids = tiny.token_ids(texts)
    assert ids.dtype == tf.int32 and ids.shape[0] == 4 and ids.row_lengths().numpy().tolist() == [5, 0, 5, 1]
    np.testing.assert_array_equal(tiny.embed_ids(ids), tiny(texts))


def test_hub_interface(tiny):
    layer = hub.KerasLayer(tiny, output_shape=[2], input_shape=[], dtype=tf.string, trainable=True)
    assert [tuple(weight.shape) for weight in layer.trainable_weights] == [(11, 2)]
    assert list(tiny.regularization_losses) == []
    frozen = hub.KerasLayer(tiny, output_shape=[2], input_shape=[], dtype=tf.string)
    assert not frozen.trainable_weights and len(frozen.non_trainable_weights) == 1


def test_training_moves_only_the_rows_of_the_text(tiny_folder):
    layer = hub.KerasLayer(
        str(tiny_folder), output_shape=[2], input_shape=[], dtype=tf.string, trainable=True
    )
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(tf.constant(["good film"]), training=True))
    (gradient,) = tape.gradient(loss, layer.trainable_weights)
    moved = np.flatnonzero(tf.convert_to_tensor(gradient).numpy().any(axis=1))
    assert moved.tolist() == [1, 3]


def test_the_folder_can_be_moved(tiny_folder, tmp_path):
    moved = shutil.copytree(tiny_folder, tmp_path / "elsewhere")
    assert sorted(path.name for path in moved.rglob("*.txt")) == ["vocabulary.txt"]
    np.testing.assert_array_equal(hub.load(str(moved))(tf.constant(["café"])), [[9, 90]])


def test_a_table_without_rows_for_unknown_words_is_refused(tmp_path):
    with pytest.raises(ValueError, match="2 vectors leave no row for unknown words beside 2 words"):
        text_module.save(tmp_path / "module", words=("a", "b"), vectors=np.zeros((2, 3), np.float32))
