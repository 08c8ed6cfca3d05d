"""The Beam transforms of a batch prediction; none of them shuffles."""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.coders import BytesCoder
from apache_beam.io.filebasedsink import FileBasedSink
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.ml.inference.base import ModelHandler

from components.batch_prediction import progress
from components.batch_prediction.formats import OutputFormat, Predicted, header, render
from components.batch_prediction.unlabeled import Unlabeled, Unlabeleds, Wanted, read_file
from components.batch_prediction.verified_model import VerifiedModel
from components.errors import InputError, carried, machine_fault_of
from components.example_gen.reading import Reading, good

READING = "reading"
BATCH = 256

Rows = tuple[str, list[Unlabeled]]
"""The name of a file and some of its rows, in order."""


@dataclasses.dataclass(frozen=True)
class Part:
    """One input file, read by one worker from its first row to its last."""

    path: str
    known: str
    wanted: Wanted

    def rows(self) -> Unlabeleds:
        """Raises InputError if the file cannot be read to its end."""
        return read_file(self.path, known=self.known, wanted=self.wanted)


class ReadRows(beam.DoFn):
    """Main output: batches of rows. Output READING: one Reading per part."""

    def process(self, part: Part) -> Iterator[Rows | beam.pvalue.TaggedOutput]:
        reading = Reading()
        rows = self._good(part, reading)
        with carried():
            try:
                while batch := list(itertools.islice(rows, BATCH)):
                    yield part.path, batch
            except InputError as error:
                if machine_fault_of(error):
                    raise
                reading.failures.append(str(error))
        yield beam.pvalue.TaggedOutput(READING, reading)

    def _good(self, part: Part, reading: Reading) -> Iterator[Unlabeled]:
        for row in good(part.rows(), reading):
            reading.taken += 1
            yield row


class VerifiedModelHandler(ModelHandler[Rows, list[Predicted], VerifiedModel]):
    """The model for RunInference, verified and loaded once per process."""

    def __init__(self, root: str, number: int, public_key: Path | None) -> None:
        super().__init__()
        self._root, self._number, self._public_key = root, number, public_key

    def load_model(self) -> VerifiedModel:
        with carried():
            return VerifiedModel(self._root, self._number, public_key=self._public_key)

    def run_inference(
        self, batch: Sequence[Rows], model: VerifiedModel, inference_args: dict[str, Any] | None = None
    ) -> Iterator[list[Predicted]]:
        """One call of the model for each batch of rows."""
        for file, rows in batch:
            found = model.predict([row.text for row in rows])
            progress.report(len(rows))
            yield [(file, row, prediction) for row, prediction in zip(rows, found, strict=True)]

    def batch_elements_kwargs(self) -> dict[str, Any]:
        """No further batching: ReadRows makes the batches."""
        return {"min_batch_size": 1, "max_batch_size": 1}

    def get_num_bytes(self, batch: Sequence[Rows]) -> int:
        return sum(len(row.text) for _, rows in batch for row in rows)

    def get_metrics_namespace(self) -> str:
        return "greenlight_batch_prediction"


class Render(beam.DoFn):
    """Predicted rows in the format of the output."""

    def __init__(self, known: OutputFormat, columns: tuple[str, ...]) -> None:
        self._known, self._columns = known, columns

    def process(self, predicted: list[Predicted]) -> Iterator[list[bytes]]:
        yield render(self._known, predicted, self._columns)


class Shards(FileBasedSink):
    """Writes lists of rendered rows to the files PREFIX-00000-of-0000N.SUFFIX, each of them atomically."""

    def __init__(self, prefix: str, known: OutputFormat, columns: tuple[str, ...], *, gzipped: bool) -> None:
        text_gzip = gzipped and known is not OutputFormat.TF_RECORD
        super().__init__(
            prefix,
            coder=BytesCoder(),
            file_name_suffix=known.value + (".gz" if gzipped else ""),
            compression_type=CompressionTypes.GZIP if text_gzip else CompressionTypes.UNCOMPRESSED,
        )
        self.known, self.columns = known, columns
        self._gzipped = gzipped

    def open(self, temp_path: str) -> Any:
        if self.known is OutputFormat.TF_RECORD:
            import tensorflow as tf

            return tf.io.TFRecordWriter(temp_path, "GZIP" if self._gzipped else "")
        handle = super().open(temp_path)
        handle.write(header(self.known, self.columns))
        return handle

    def write_record(self, file_handle: Any, value: list[bytes]) -> None:
        for rendered in value:
            file_handle.write(rendered)
