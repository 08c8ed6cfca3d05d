"""`greenlight batch-predict`."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from components.batch_prediction.formats import OutputFormat, output_format
from components.batch_prediction.output import Output
from components.batch_prediction.unlabeled import FORMATS, Wanted
from components.errors import InputError
from pipeline.commands import options

if TYPE_CHECKING:
    from components.batch_prediction.job import Predicted
    from pipeline.config import Settings

_OUTPUT_FORMATS = {known.name.lower().replace("_", "-"): known for known in OutputFormat}


@click.command(name="batch-predict")
@options.workspace
@click.option(
    "--input-format",
    type=click.Choice(FORMATS, case_sensitive=False),
    help="Format of the input, if its name does not say it.",
)
@click.option(
    "--text-column", metavar="NAME", help="Column, key or feature with the text. [data.text_column]"
)
@click.option(
    "--version", "number", metavar="N", type=click.IntRange(min=1), help="The version. [the live one]"
)
@click.option(
    "--format",
    "known",
    type=click.Choice(tuple(_OUTPUT_FORMATS)),
    help="Format of the files in an output folder. [json-lines]",
)
@click.option("--overwrite", is_flag=True, help="Replace an existing output.")
@options.as_json
@click.argument("reviews", metavar="INPUT")
@click.argument("target", metavar="OUTPUT")
def batch_predict(
    settings: Settings,
    reviews: str,
    target: str,
    input_format: str | None,
    text_column: str | None,
    number: int | None,
    known: str | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Predict large files of texts with Beam.

    INPUT is a file or a quoted pattern: .txt (one text per line), .csv, .tsv, .json, .jsonl, .parquet or
    .tfrecord; text files also with .gz, .bz2 or .xz. OUTPUT is a file with one of the endings .jsonl, .csv or
    .tfrecord, also with .gz, or a folder (ending in /) of files with 4,096 rows each. The output appears only
    when it is complete. After a failure or an interruption, the same command predicts only the rows that are
    not yet done.

    Every row keeps its fields and gets source_file, source_line, predicted_label, probability and
    model_version. Bad rows are skipped and listed; more than data.max_bad_share of them end the command with
    exit code 4. The settings beam.* choose the runner.
    """
    from pipeline.results.data_account import first_left_out, in_words

    output = _output(target, known, overwrite=overwrite)
    started = time.monotonic()
    wanted = Wanted.of(settings.data, text_column=text_column)
    try:
        version, predicted = _run(settings, reviews, output, input_format, wanted, number)
    except BaseException:
        if rows := output.unfinished_rows():
            click.echo(f"{rows:,} rows are predicted; the same command goes on from there.", err=True)
        raise
    reading = predicted.reading
    seconds = time.monotonic() - started
    account = reading.account()
    if as_json:
        told = {
            "output": target,
            "version": version,
            "predicted": reading.taken,
            "taken_over": predicted.taken_over,
            "left_out": account["left_out"],
            "data": account,
            "seconds": round(seconds, 1),
        }
        click.echo(json.dumps(told))
        return
    for row in first_left_out(account):
        click.echo(f"left out: {row}", err=True)
    click.echo(in_words(account, used="answered"), err=True)
    if predicted.taken_over:
        click.echo(f"{predicted.taken_over:,} of them by an earlier attempt", err=True)
    click.echo(f"{reading.taken:,} rows predicted by version {version} in {seconds:,.0f} s: {target}")


def _output(target: str, known: str | None, *, overwrite: bool) -> Output:
    if "://" in target:
        raise InputError(f"OUTPUT: {target} is an address; expected a file or folder on this machine.")
    path = Path(target).expanduser().absolute()
    if target.endswith("/") or path.is_dir():
        chosen = _OUTPUT_FORMATS[known] if known else OutputFormat.JSON_LINES
        return Output(path=path, known=chosen, folder=True, overwrite=overwrite)
    if known is not None:
        raise InputError("--format is for an output folder, which ends in /; a file's name tells its format.")
    by_name, gzipped = output_format(target)
    return Output(path=path, known=by_name, gzipped=gzipped, overwrite=overwrite)


def _run(
    settings: Settings,
    reviews: str,
    output: Output,
    input_format: str | None,
    wanted: Wanted,
    number: int | None,
) -> tuple[int, Predicted]:
    """The version that answered, and what it did. Noise goes to the cache folder's `batch-predict.log`."""
    from pipeline.console import run_log
    from pipeline.preflight import beam_runner
    from pipeline.preflight.reviews import require_unlabeled
    from serving.machine import scratch

    output.require_free()
    share = settings.data.max_bad_share
    require_unlabeled(reviews, wanted=wanted, known=input_format, max_bad_share=share)
    with (
        run_log.real_stderr() as screen,
        scratch.holding_temporary_files("prediction"),
        run_log.capture(settings.cache / "batch-predict.log"),
    ):
        beam_runner.require_usable(settings.beam)
        from components.batch_prediction import job, progress
        from components.batch_prediction.verified_model import choose_version, verified_model
        from pipeline.job_server import session
        from pipeline.predict.output import Progress
        from pipeline.workspace.version_store import store_root

        parts = job.find_parts(reviews, wanted=wanted, known=input_format)
        root = store_root(settings)
        chosen, public_key = choose_version(root, number), settings.push.public_key
        # A version that cannot be used is reported here, not from inside Beam.
        with verified_model(root, chosen, public_key=public_key) as verified:
            model = job.Model(root=root, number=chosen, public_key=public_key, classes=verified.classes)
        with (
            session.opened(
                settings.beam, cache=settings.cache, progress=lambda line: click.echo(line, file=screen)
            ),
            progress.reporting_to(Progress(screen).report),
        ):
            predicted = job.predict_files(
                parts,
                model,
                output,
                max_bad_share=share,
                pipeline_args=settings.beam.pipeline_args(),
            )
    return model.number, predicted
