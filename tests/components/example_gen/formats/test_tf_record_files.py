"""TFRecord files: packed or not, cut off, of other formats, and features of several values."""

import bz2
import gzip
import itertools
import os
import zlib

import pytest
import tensorflow as tf
from read_files import ROWS, TABLE, read, taken

from components.errors import InputError, machine_fault_of
from components.example_gen.formats.rows import BadRow, Reason, unreadable
from components.example_gen.sources.files import require_tf_records
from components.reviews import to_example


@pytest.mark.parametrize("pack", [None, "GZIP"])
@pytest.mark.parametrize("name", ["a.tfrecord", "a.tfrecord.gz"])
def test_tf_records_are_unpacked_by_their_bytes(tmp_path, name, pack):
    path = str(tmp_path / name)
    with tf.io.TFRecordWriter(path, pack) as writer:
        for text, label in ROWS:
            writer.write(to_example(text, label).SerializeToString())
    assert taken(path) == ROWS


@pytest.mark.parametrize("pack", [None, "GZIP"])
def test_records_that_break_off_anywhere_but_between_two_are_an_error(tmp_path, pack):
    """TensorFlow's own reader takes many such places for the end of the file."""
    path = tmp_path / "a.tfrecord"
    lengths = []
    with tf.io.TFRecordWriter(str(path), pack) as writer:
        for number in range(3):
            record = to_example(os.urandom(9).hex(), number % 2).SerializeToString()
            writer.write(record)
            lengths.append(16 + len(record))
    whole = path.read_bytes()
    between = {0, *itertools.accumulate(lengths)} if pack is None else {0, len(whole)}
    for size in range(1, len(whole), 3):
        path.write_bytes(whole[:size])
        if size in between:
            read(str(path))
        else:
            with pytest.raises(InputError, match=r"is damaged|is not a file of TFRecords"):
                read(str(path))


def test_a_feature_of_two_values_is_said_to_have_two(tmp_path):
    example = tf.train.Example()
    example.features.feature["text"].bytes_list.value.append(b"fine")
    example.features.feature["label"].int64_list.value.extend([1, 0])
    path = str(tmp_path / "a.tfrecord")
    with tf.io.TFRecordWriter(path) as writer:
        writer.write(example.SerializeToString())
    assert read(path) == [BadRow(path, 1, Reason.LIST, "the label has 2 values")]


def test_records_that_the_machine_has_no_memory_for_are_not_the_inputs_fault(tmp_path):
    exhausted = unreadable("a.tfrecord", tf.errors.ResourceExhaustedError(None, None, "OOM"))
    exhausted.__cause__ = tf.errors.ResourceExhaustedError(None, None, "OOM")
    fault = machine_fault_of(exhausted)
    assert fault is not None and fault.exit_code == 1
    assert str(fault) == (
        "a.tfrecord cannot be read: OOM. The disk is full, has no inodes left, or the memory is used up. "
        "Free some."
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (TABLE, "is not a file of TFRecords; name it for the format that it has"),
        (gzip.compress(TABLE), "is not a file of TFRecords"),
        (zlib.compress(TABLE), "is packed with zlib; write its records with GZIP, or unpacked"),
        (bz2.compress(TABLE), "is packed with bzip2; unpack it, or pack its records with gzip"),
        (gzip.compress(gzip.compress(TABLE)), "is packed twice"),
    ],
)
def test_what_is_no_file_of_records_is_said_without_tensorflow(written, content, words):
    with pytest.raises(InputError, match=rf"a\.tfrecord {words}"):
        require_tf_records(written("a.tfrecord", content))
    with pytest.raises(InputError, match=rf"a\.tfrecord {words}"):
        read(written("a.tfrecord", content))
