"""Files of tf.Examples as ExampleGen writes them: GZIP TFRecords."""

from collections.abc import Iterable
from pathlib import Path

import tensorflow as tf

from components import reviews


def write_examples(path: Path, examples: Iterable[tf.train.Example | tuple[str, int]]) -> None:
    """Writes a file, and the folders it is in; a pair stands for a review's text and label."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path), tf.io.TFRecordOptions(compression_type="GZIP")) as writer:
        for each in examples:
            example = reviews.to_example(*each) if isinstance(each, tuple) else each
            writer.write(example.SerializeToString())
