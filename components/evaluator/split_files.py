"""The TFRecord files of one split of an Examples artifact, and the tf.Examples in them."""

from collections.abc import Sequence

import tensorflow as tf
from tfx.dsl.io import fileio
from tfx.types import Artifact, artifact_utils
from tfx.utils import io_utils

from components.errors import GreenlightError

_BATCH = 1024


def split_files(examples: list[Artifact], split: str) -> list[str]:
    """The files of the split, in order.

    Raises:
      GreenlightError: the examples have no such split, or no file in it.
    """
    known = {
        name for artifact in examples for name in artifact_utils.decode_split_names(artifact.split_names)
    }
    if split not in known:
        raise GreenlightError(
            f"There are no examples in split {split}; there are: {', '.join(sorted(known))}."
        )
    folders = artifact_utils.get_split_uris(examples, split)
    files = [file for folder in folders for file in fileio.glob(io_utils.all_files_pattern(folder))]
    if not files:
        raise GreenlightError(f"Split {split} has no files: check the weights of the data's splits.")
    return sorted(files)


def read_split(files: Sequence[str]) -> tf.data.Dataset:
    """Batches of serialized tf.Examples (string [N]); files whose names end in .gz are decompressed."""
    parts = [
        tf.data.TFRecordDataset(file, compression_type="GZIP" if file.endswith(".gz") else "")
        for file in files
    ]
    records = parts[0]
    for part in parts[1:]:
        records = records.concatenate(part)
    return records.batch(_BATCH)
