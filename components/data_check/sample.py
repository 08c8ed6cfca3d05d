"""The examples of a split: a sample, the first ones, which TextExampleGen has mixed; counts of the labels."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from components.reviews import LABEL, SPAN, TEXT

_BATCH = 1024
_UNLABELED = -1


def count_labels(folder: str, classes: int) -> tuple[int, ...]:
    """The number of examples of a split with each label from 0 to below `classes`."""
    spec = {LABEL: tf.io.FixedLenFeature([], tf.int64, _UNLABELED)}
    counts = np.zeros(classes, np.int64)
    files = sorted(tf.io.gfile.glob(f"{folder}/*"))
    for batch in tf.data.TFRecordDataset(files, compression_type="GZIP").batch(_BATCH):
        labels = tf.io.parse_example(batch, spec)[LABEL].numpy()
        counts += np.bincount(labels[(labels >= 0) & (labels < classes)], minlength=classes)
    return tuple(counts.tolist())


class Sample(NamedTuple):
    """N texts with their labels and spans."""

    texts: list[str]
    labels: list[int]
    spans: list[int]


def read_sample(folder: str, *, most: int) -> Sample:
    """Up to `most` labeled examples of a split, out of the folder with its GZIP TFRecords."""
    spec = {
        TEXT: tf.io.FixedLenFeature([], tf.string, ""),
        LABEL: tf.io.FixedLenFeature([], tf.int64, _UNLABELED),
        SPAN: tf.io.FixedLenFeature([], tf.int64, 0),
    }
    found = Sample([], [], [])
    files = sorted(tf.io.gfile.glob(f"{folder}/*"))
    for batch in tf.data.TFRecordDataset(files, compression_type="GZIP").batch(_BATCH):
        parsed = tf.io.parse_example(batch, spec)
        columns = (parsed[name].numpy().tolist() for name in (TEXT, LABEL, SPAN))
        for text, label, span in zip(*columns, strict=True):
            if label >= 0:
                found.texts.append(text.decode("utf-8", "replace"))
                found.labels.append(label)
                found.spans.append(span)
            if len(found.texts) == most:
                return found
    return found
