"""The batch prediction job: input files, the Beam pipeline, finished output."""

import contextlib
import dataclasses
from pathlib import Path

import apache_beam as beam
from apache_beam.ml.inference.base import RunInference
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, StandardOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from components.batch_prediction.formats import OutputFormat, columns_of, header
from components.batch_prediction.output import SHARDS, Output
from components.batch_prediction.steps import READING, Part, ReadRows, Render, Shards, VerifiedModelHandler
from components.batch_prediction.unlabeled import (
    Unlabeled,
    Wanted,
    format_named,
    input_paths,
    require_good_rows,
)
from components.errors import InputError
from components.example_gen.beam_steps import WriteReading
from components.example_gen.reading import READING_FILE, Reading

_PREFIX = "predictions"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Model:
    """A version in the store at `root`; `classes` are the names of its classes, () if not given."""

    root: str
    number: int
    public_key: Path | None = None
    classes: tuple[str, ...] = ()


def find_parts(pattern: str, *, wanted: Wanted, known: str | None = None) -> list[Part]:
    """The input files that match a pattern, sorted by name. known: their format; None: by their suffixes.

    Raises:
      InputError: no file matches, or the format of one is unknown.
    """
    return [Part(path, known or format_named(path), wanted) for path in input_paths(pattern)]


def predict_files(
    parts: list[Part], model: Model, output: Output, *, max_bad_share: float, pipeline_args: list[str]
) -> Reading:
    """Writes the predictions for the rows of `parts`; the output appears when it is complete.

    Raises:
      InputError: the output cannot be written, an input cannot be read, or the inputs have no rows.
      DataStopped: more than `max_bad_share` of the rows cannot be used.
      GreenlightError: the version cannot be verified or loaded, or fails on the rows.
    """
    output.require_free()
    columns = _columns(parts, model.classes) if output.known is OutputFormat.CSV else ()
    with output.written() as folder:
        shards, account = folder / SHARDS, folder / READING_FILE
        sink = Shards(str(shards / _PREFIX), output.known, columns, gzipped=output.gzipped and output.folder)
        with beam.Pipeline(options=PipelineOptions(pipeline_args)) as pipeline:
            _wire(pipeline, parts, model, sink, account=str(account))
        reading = Reading.from_json(account.read_text(encoding="utf-8"))
        require_good_rows(reading, source=parts[0].path, max_bad_share=max_bad_share)
        output.finish(shards, header=header(output.known, columns))
    return reading


def _wire(pipeline: beam.Pipeline, parts: list[Part], model: Model, sink: Shards, *, account: str) -> None:
    started = pipeline | "Parts" >> beam.Create(parts, reshuffle=False)
    if len(parts) > 1 and not is_one_worker(pipeline.options):
        started |= "SpreadOverWorkers" >> beam.Reshuffle()
    rows = started | "Read" >> beam.ParDo(ReadRows()).with_outputs(READING, main="rows")
    rows[READING] | "Account" >> WriteReading(path=account)
    handler = VerifiedModelHandler(model.root, model.number, model.public_key)
    predicted = rows["rows"] | "Predict" >> RunInference(handler)
    rendered = predicted | "Render" >> beam.ParDo(Render(sink.known, sink.columns))
    rendered | "Write" >> beam.io.Write(sink)


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
