"""The Beam transforms of a batch prediction; none of them shuffles."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.ml.inference.base import ModelHandler

from components.batch_prediction import progress
from components.batch_prediction.formats import OutputFormat, header, render
from components.batch_prediction.shards import Place, Shard, ShardFolder, rows_digest, write_shard_list
from components.batch_prediction.unlabeled import Unlabeled, Unlabeleds, Wanted, read_file
from components.batch_prediction.verified_model import VerifiedModel
from components.errors import InputError, carried, machine_fault_of
from components.example_gen.reading import Reading, good
from serving.transports.calls import Prediction

READING = "reading"
TAKEN_OVER = "taken_over"
BATCH = 256
"""Rows for one call of the model."""
ROWS_OF_A_SHARD = 16 * BATCH
"""A worker holds the rows of one shard, about two kilobytes each, in memory."""


@dataclass(frozen=True)
class Part:
    """One input file, read by one worker from its first row to its last. number: its place among them."""

    path: str
    known: str
    wanted: Wanted
    number: int = 0

    def rows(self) -> Unlabeleds:
        """Raises InputError if the file cannot be read to its end."""
        return read_file(self.path, known=self.known, wanted=self.wanted)


class Block(NamedTuple):
    """The rows of one shard. digest: see `rows_digest`."""

    place: Place
    file: str
    rows: list[Unlabeled]
    digest: str


@beam.typehints.with_output_types(Block)
class ReadRows(beam.DoFn):
    """Main output: blocks of rows. Output READING: one Reading per part."""

    def process(self, part: Part) -> Iterator[Block | beam.pvalue.TaggedOutput]:
        reading = Reading()
        rows = self._good(part, reading)
        with carried():
            try:
                for number in itertools.count():
                    block = list(itertools.islice(rows, ROWS_OF_A_SHARD))
                    if not block:
                        break
                    place = Place(part.number, number)
                    yield Block(place, part.path, block, rows_digest(part.path, block))
            except InputError as error:
                if machine_fault_of(error):
                    raise
                reading.failures.append(str(error))
        yield beam.pvalue.TaggedOutput(READING, reading)

    def _good(self, part: Part, reading: Reading) -> Iterator[Unlabeled]:
        for row in good(part.rows(), reading):
            reading.taken += 1
            yield row


@beam.typehints.with_output_types(Block)
class TakeOver(beam.DoFn):
    """Main output: blocks without a finished shard. Output TAKEN_OVER: the finished shards of the others."""

    def __init__(self, folder: ShardFolder) -> None:
        self._folder = folder

    def process(self, block: Block) -> Iterator[Block | beam.pvalue.TaggedOutput]:
        shard = self._folder.find(block.place, rows=block.digest)
        if shard is None:
            yield block
        else:
            progress.report(shard.rows)
            yield beam.pvalue.TaggedOutput(TAKEN_OVER, shard)


class VerifiedModelHandler(ModelHandler[Block, tuple[Block, list[Prediction]], VerifiedModel]):
    """The model for RunInference, verified and loaded once per process."""

    def __init__(self, root: str, number: int, public_key: Path | None) -> None:
        super().__init__()
        self._root, self._number, self._public_key = root, number, public_key

    def load_model(self) -> VerifiedModel:
        with carried():
            return VerifiedModel(self._root, self._number, public_key=self._public_key)

    def run_inference(
        self, batch: Sequence[Block], model: VerifiedModel, inference_args: dict[str, Any] | None = None
    ) -> Iterator[tuple[Block, list[Prediction]]]:
        """Calls the model for BATCH rows at a time."""
        for block in batch:
            found: list[Prediction] = []
            for start in range(0, len(block.rows), BATCH):
                texts = [row.text for row in block.rows[start : start + BATCH]]
                found += model.predict(texts)
                progress.report(len(texts))
            yield block, found

    def batch_elements_kwargs(self) -> dict[str, Any]:
        """No further batching: ReadRows makes the blocks."""
        return {"min_batch_size": 1, "max_batch_size": 1}

    def get_num_bytes(self, batch: Sequence[Block]) -> int:
        return sum(len(row.text) for block in batch for row in block.rows)

    def get_metrics_namespace(self) -> str:
        return "greenlight_batch_prediction"


class WriteShard(beam.DoFn):
    """Writes the predictions of a block to a shard in the format of the output."""

    def __init__(self, folder: ShardFolder, known: OutputFormat, columns: tuple[str, ...]) -> None:
        self.folder, self._known, self._columns = folder, known, columns

    def process(self, predicted: tuple[Block, list[Prediction]]) -> Iterator[Shard]:
        block, found = predicted
        triples = [(block.file, row, one) for row, one in zip(block.rows, found, strict=True)]
        rendered = render(self._known, triples, self._columns)
        with carried():
            yield self.folder.write(
                block.place,
                rows=block.digest,
                count=len(block.rows),
                suffix=self._known.value,
                fill=lambda path: self._fill(path, rendered),
            )

    def _fill(self, path: str, rendered: list[bytes]) -> None:
        if self._known is OutputFormat.TF_RECORD:
            import tensorflow as tf

            with tf.io.TFRecordWriter(path) as writer:
                for record in rendered:
                    writer.write(record)
            return
        with open(path, "wb") as file:
            file.write(header(self._known, self._columns))
            file.writelines(rendered)


@beam.ptransform_fn
def WriteShardList(shards: beam.PCollection, *, path: str) -> beam.PCollection:
    """Writes the shards, in the order of the output, as one JSON file; `read_shard_list` reads it."""
    return (
        shards
        | "Gather" >> beam.combiners.ToList()
        | "WriteList" >> beam.Map(lambda found: write_shard_list(Path(path), found))
    )
