import itertools

import numpy as np
import pytest
import tensorflow as tf
from example_files import write_examples

from components import reviews
from components.errors import GreenlightError, InputError
from components.trainer.classifier import data


def lengths(text: tf.Tensor) -> tf.RaggedTensor:
    return tf.ragged.range(tf.strings.length(text) % 5)


def test_every_review_is_read_with_its_label(packaged_reviews, train_files):
    read = data.read(train_files, split="train")
    found = zip(read.features.numpy().tolist(), read.labels.numpy().tolist(), strict=True)
    assert sorted(found) == sorted((text.encode(), float(label)) for text, label in packaged_reviews[:400])
    assert len(read) == 400 and read.labels.dtype == tf.float32


def test_the_order_depends_on_content_alone(packaged_reviews, train_files, write_split):
    rows = packaged_reviews[:400]
    other = write_split(rows[::-1], shards=3)
    for one, two in zip(read_both(train_files), read_both([other]), strict=True):
        assert one.features.to_list() == two.features.to_list()
        np.testing.assert_array_equal(one.labels, two.labels)


def read_both(files: list[str]) -> list[data.ReviewsInMemory]:
    texts = data.read(
        files, split="train", encode=lambda text: tf.strings.bytes_split(tf.strings.substr(text, 0, 9))
    )
    return [texts, data.read(files, split="train", encode=lengths)]


def test_what_is_encoded_stays_with_its_label(train_files):
    plain = data.read(train_files, split="train")
    encoded = data.read(train_files, split="train", encode=lengths)
    assert encoded.features.to_list() == lengths(plain.features).to_list()
    np.testing.assert_array_equal(encoded.labels, plain.labels)


def batches_of(read: data.ReviewsInMemory, **order) -> list[list[int]]:
    return [features.numpy().tolist() for features, _ in read.batches(3, **order)]


def test_batches_cover_every_row_once():
    read = data.ReviewsInMemory(tf.range(8), tf.zeros([8]))
    assert batches_of(read) == [[0, 1, 2], [3, 4, 5], [6, 7]]
    assert sorted(itertools.chain(*batches_of(read, shuffle_seed=1))) == list(range(8))


def test_the_shuffle_is_seeded_and_new_in_every_pass():
    read = data.ReviewsInMemory(tf.range(50), tf.zeros([50]))

    def two_passes(seed: int) -> list[list[list[int]]]:
        batches = read.batches(3, shuffle_seed=seed)
        return [[features.numpy().tolist() for features, _ in batches] for _ in range(2)]

    assert two_passes(1) == two_passes(1)
    assert two_passes(1) != two_passes(2)
    first, second = two_passes(1)
    assert first != second


def test_features_may_be_ragged():
    read = data.ReviewsInMemory(tf.ragged.constant([[1, 2], [], [3]]), tf.constant([0.0, 1.0, 1.0]))
    ((features, labels),) = read.batches(5)
    assert features.to_list() == [[1, 2], [], [3]] and labels.numpy().tolist() == [0, 1, 1]


def test_streamed_reviews_are_those_of_the_files(packaged_reviews, train_files):
    streamed = data.StreamedReviews(train_files, 400)
    plain = [text for texts, _ in streamed.batches(64) for text in texts.numpy()]
    shuffled = [text for texts, _ in streamed.batches(64, shuffle_seed=1) for text in texts.numpy()]
    assert len(streamed) == 400 and plain != shuffled
    assert sorted(plain) == sorted(shuffled) == sorted(text.encode() for text, _ in packaged_reviews[:400])


def test_a_share_is_the_same_reviews_whatever_else_there_is(packaged_reviews, write_split):
    def share(rows):
        parts = data.encoded([write_split(rows)], split="train", encode=tf.identity, one_in=4)
        return [text for part in parts for text in part.features.numpy().tolist()]

    few, many = share(packaged_reviews[:100]), share(packaged_reviews[:400])
    assert set(few) < set(many) and 60 < len(many) < 140


def test_reviews_are_counted(train_files, eval_files):
    assert data.count(train_files, split="train") == 400 and data.count(eval_files, split="eval") == 200


def test_an_empty_split_is_named(tmp_path, write_split):
    for pattern in (str(tmp_path / "nothing" / "*"), write_split([])):
        with pytest.raises(GreenlightError, match=r"The eval split has no examples .* \(data.eval_weight\)"):
            data.read([pattern], split="eval")


def test_files_of_another_kind_are_named(tmp_path):
    (tmp_path / "reviews.csv").write_text("text,label\n" * 100)
    with pytest.raises(
        GreenlightError, match=r"The train split cannot be read: .* GZIP TFRecords .*reviews.csv"
    ):
        data.read([str(tmp_path / "reviews.csv")], split="train")


def test_examples_without_a_label_are_named(tmp_path):
    example = reviews.to_example("a film", 1)
    del example.features.feature[reviews.LABEL]
    write_examples(tmp_path / "data.gz", [example])
    with pytest.raises(GreenlightError, match=r"The train split cannot be read: .*label"):
        data.read([str(tmp_path / "data.gz")], split="train")


def test_an_encoder_that_fails_on_a_text_is_not_called_a_file_that_cannot_be_read(write_split):
    def encode(text):
        with tf.control_dependencies([tf.debugging.assert_less(tf.strings.length(text), 9)]):
            return tf.identity(text)

    split = write_split([("fine", 1), ("a long text", 0)])
    with pytest.raises(InputError, match="embedding fails on texts of the train split: assertion failed"):
        data.read([split], split="train", encode=encode)


def test_the_end_of_a_pass_waits_for_no_tuning():
    examples = data.ReviewsInMemory(tf.constant(["a", "b"]), tf.constant([0.0, 1.0]))
    streamed = data.StreamedReviews([], 2)
    for batches in (examples.batches(1, shuffle_seed=1), examples.batches(1), streamed.batches(1)):
        assert batches.options().autotune.enabled is False
