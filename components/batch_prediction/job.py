"""The batch prediction job: input files, the Beam pipeline, finished output."""

import contextlib
import dataclasses
from pathlib import Path

import apache_beam as beam
from apache_beam.ml.inference.base import RunInference
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, StandardOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from components.batch_prediction.formats import OutputFormat, columns_of, header
from components.batch_prediction.output import Output
from components.batch_prediction.shards import ShardFolder, job_digest, read_shard_list
from components.batch_prediction.steps import (
    READING,
    TAKEN_OVER,
    Part,
    ReadRows,
    TakeOver,
    VerifiedModelHandler,
    WriteShard,
    WriteShardList,
)
from components.batch_prediction.unlabeled import (
    Unlabeled,
    Wanted,
    format_named,
    input_paths,
    require_good_rows,
)
from components.batch_prediction.verified_model import content_of
from components.errors import GreenlightError, InputError
from components.example_gen.beam_steps import WriteReading
from components.example_gen.reading import READING_FILE, Reading

_LAYOUT = 1
"""Of the shards; another one makes shards of before useless."""
_LIST = "shards.list"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Model:
    """A version in the store at `root`; `classes` are the names of its classes, () if not given."""

    root: str
    number: int
    public_key: Path | None = None
    classes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Predicted:
    """What a job came to: the account of the rows, and how many an earlier attempt had predicted."""

    reading: Reading
    taken_over: int


def find_parts(pattern: str, *, wanted: Wanted, known: str | None = None) -> list[Part]:
    """The input files that match a pattern, sorted by name. known: their format; None: by their suffixes.

    Raises:
      InputError: no file matches, or the format of one is unknown.
    """
    paths = input_paths(pattern)
    return [Part(path, known or format_named(path), wanted, number) for number, path in enumerate(paths)]


def predict_files(
    parts: list[Part], model: Model, output: Output, *, max_bad_share: float, pipeline_args: list[str]
) -> Predicted:
    """Writes the predictions for the rows of `parts`; the output appears when it is complete.

    Shards that an earlier attempt with the same model has finished for the same rows are not made again.

    Raises:
      InputError: the output cannot be written, an input cannot be read, or the inputs have no rows.
      DataStopped: more than `max_bad_share` of the rows cannot be used.
      GreenlightError: the version cannot be verified or loaded, or fails on the rows.
    """
    output.require_free()
    columns = _columns(parts, model.classes) if output.known is OutputFormat.CSV else ()
    job = job_digest(
        layout=_LAYOUT,
        model=content_of(model.root, model.number),
        version=model.number,
        format=output.known,
        columns=columns,
    )
    with output.written(job) as folder:
        account, listed = folder / READING_FILE, folder / _LIST
        write = WriteShard(ShardFolder(str(folder), job), output.known, columns)
        with beam.Pipeline(options=PipelineOptions(pipeline_args)) as pipeline:
            _wire(pipeline, parts, model, write, account=str(account), listed=str(listed))
        reading = Reading.from_json(account.read_text(encoding="utf-8"))
        require_good_rows(reading, source=parts[0].path, max_bad_share=max_bad_share)
        shards = read_shard_list(listed)
        if (found := sum(shard.rows for shard in shards)) != reading.taken:
            raise GreenlightError(f"{reading.taken} rows were read, and {found} predicted. Run it again.")
        files = [folder / shard.file for shard in shards]
        output.finish(files, header=header(output.known, columns))
    taken_over = sum(shard.rows for shard in shards if shard.taken_over)
    return Predicted(reading=reading, taken_over=taken_over)


def _wire(
    pipeline: beam.Pipeline, parts: list[Part], model: Model, write: WriteShard, *, account: str, listed: str
) -> None:
    started = pipeline | "Parts" >> beam.Create(parts, reshuffle=False)
    if len(parts) > 1 and not is_one_worker(pipeline.options):
        started |= "SpreadOverWorkers" >> beam.Reshuffle()
    read = started | "Read" >> beam.ParDo(ReadRows()).with_outputs(READING, main="rows")
    read[READING] | "Account" >> WriteReading(path=account)
    blocks = read["rows"] | "TakeOver" >> beam.ParDo(TakeOver(write.folder)).with_outputs(
        TAKEN_OVER, main="left"
    )
    handler = VerifiedModelHandler(model.root, model.number, model.public_key)
    made = blocks["left"] | "Predict" >> RunInference(handler) | "Write" >> beam.ParDo(write)
    (made, blocks[TAKEN_OVER]) | "All" >> beam.Flatten() | "List" >> WriteShardList(path=listed)


def is_one_worker(options: PipelineOptions) -> bool:
    """Whether one worker in this process does all the work, as with the in-process runner."""
    runner = options.view_as(StandardOptions).runner or ""
    in_process = runner.rpartition(".")[2] == FnApiRunner.__name__
    return in_process and options.view_as(DirectOptions).direct_num_workers == 1


def _columns(parts: list[Part], classes: tuple[str, ...]) -> tuple[str, ...]:
    """The columns of the output, from the first good row. Errors of reading are reported by the job."""
    for part in parts:
        with contextlib.suppress(InputError):
            for row in part.rows():
                if isinstance(row, Unlabeled):
                    return columns_of(row, classes=classes)
    return ()
