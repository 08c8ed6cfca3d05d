"""`greenlight predict`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import click

from components.batch_prediction.unlabeled import FORMATS
from components.errors import GreenlightError, InputError
from pipeline.commands import options

if TYPE_CHECKING:
    from components.batch_prediction.unlabeled import Unlabeled
    from components.example_gen.formats.rows import BadRow
    from components.example_gen.reading import Reading
    from pipeline.config import Settings
    from pipeline.predict.rows import Predict
    from serving.transports.calls import ClientError, Prediction


@click.command()
@options.workspace
@click.option(
    "--file",
    "path",
    metavar="FILE",
    help="Texts: .txt (one per line), .csv, .tsv, .json, .jsonl, .parquet; - is standard input.",
)
@click.option(
    "--format",
    "known",
    type=click.Choice(FORMATS[:-1], case_sensitive=False),
    help="Format of FILE, if its name does not say it.",
)
@click.option("--text-column", metavar="NAME", help="Column or key with the text. [data.text_column]")
@click.option("--url", metavar="URL", help="Use a server: http(s)://HOST:8501 or grpc(s)://HOST:8500.")
@click.option(
    "--version", "number", metavar="N", type=click.IntRange(min=1), help="Use this version. [the live one]"
)
@click.option(
    "--api-key", metavar="KEY", envvar="GREENLIGHT_API_KEY", show_envvar=True, help="API key for the server."
)
@click.option("--authority", metavar="FILE", help="PEM file with the certificate authority of the server.")
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(min=0.1),
    default=30,
    show_default=True,
    help="Timeout of a call in seconds.",
)
@options.as_json
@click.argument("texts", metavar="[TEXT]...", nargs=-1)
def predict(
    settings: Settings,
    texts: Sequence[str],
    path: str | None,
    known: str | None,
    text_column: str | None,
    url: str | None,
    number: int | None,
    api_key: str | None,
    authority: str | None,
    timeout: float,
    as_json: bool,
) -> None:
    """Predict the labels of texts.

    Without --url, the live version is verified and loaded in this process. On a terminal the output is a
    table, otherwise one line of JSON per text. Of a file, standard error gets the count of its rows: read,
    answered and left out, with file and line. More than data.max_bad_share of bad rows end the command with
    exit code 4.
    """
    from components.batch_prediction.unlabeled import Wanted, require_good_rows
    from components.example_gen.reading import Reading
    from pipeline.console import run_log
    from pipeline.predict import rows as predict_rows
    from pipeline.predict.output import JsonLines, Progress, TerminalTable

    _require_one_source(texts, path)
    if authority is not None and url is None:
        raise InputError("--authority is for a server; give its --url, too.")
    reading = Reading()
    with ExitStack() as stack:
        stdout = stack.enter_context(run_log.real_stdout())
        progress = Progress(stack.enter_context(run_log.real_stderr()))
        wanted = Wanted.of(settings.data, text_column=text_column)
        rows: Iterable[Unlabeled | BadRow] = predict_rows.given_texts(texts)
        name = None if path is None else predict_rows.name_of(path)
        if path is not None:
            of_file = predict_rows.rows_of(
                path, known=known, wanted=wanted, max_bad_share=settings.data.max_bad_share
            )
            rows = stack.enter_context(of_file)
        if url is not None:
            ask = stack.enter_context(_server(settings, url, number, api_key, authority, timeout))
        else:
            ask = stack.enter_context(_in_process(settings, number))
        output = TerminalTable(stdout) if stdout.isatty() and not as_json else JsonLines(stdout)
        for batch in predict_rows.predicted(rows, ask, reading=reading, file=name):
            output.show(batch)
            progress.report(reading.rows)
        if reading.taken:
            output.end()
    require_good_rows(reading, source=name or "", max_bad_share=settings.data.max_bad_share)
    if path is not None:
        _tell_account(reading)


def _tell_account(reading: Reading) -> None:
    """Standard output holds the predictions only."""
    from pipeline.results.data_account import first_left_out, in_words

    account = reading.account()
    for row in first_left_out(account):
        click.echo(f"left out: {row}", err=True)
    click.echo(in_words(account, used="answered"), err=True)


def _require_one_source(texts: Sequence[str], path: str | None) -> None:
    if texts and path is not None:
        raise InputError("Give either texts or --file, not both.")
    if not texts and path is None:
        raise InputError('Give a text in quotes, as in `greenlight predict "Some text."`, or --file FILE.')


@contextmanager
def _in_process(settings: Settings, number: int | None) -> Iterator[Predict]:
    """Asks a verified version in this process; TensorFlow's noise goes to `predict.log` in the cache."""
    from components.batch_prediction.verified_model import choose_version, verified_model
    from pipeline.console import run_log
    from pipeline.workspace.version_store import store_root

    root = store_root(settings)
    chosen = choose_version(root, number)
    with (
        run_log.capture(settings.cache / "predict.log"),
        verified_model(root, chosen, public_key=settings.push.public_key) as model,
    ):
        yield model.predict


@contextmanager
def _server(
    settings: Settings,
    url: str,
    number: int | None,
    api_key: str | None,
    authority: str | None,
    timeout: float,
) -> Iterator[Predict]:
    """Asks a server."""
    from serving.client import ClientError, connect

    try:
        client = connect(
            url, model=settings.model_name, api_key=api_key, authority=authority, timeout=timeout
        )
    except ValueError as error:
        raise InputError(f"{error}.") from error

    def ask(texts: Sequence[str]) -> list[Prediction]:
        try:
            return client.predict(texts, version=number)
        except ClientError as error:
            raise _told(error) from error

    with client:
        yield ask


def _told(error: ClientError) -> GreenlightError:
    """The error for the person, with the exit code of whose mistake it is."""
    from pipeline.predict.rows import TextsRefused
    from serving.status import Code

    if error.code is Code.UNAVAILABLE:
        return GreenlightError(f"{error.message}. Does a server run there? `greenlight serve` starts one.")
    if error.code is Code.UNAUTHENTICATED:
        return InputError(f"{error.message}. Give the key with --api-key or GREENLIGHT_API_KEY.")
    if error.code is Code.NOT_FOUND:
        return InputError(error.message)
    if error.code is Code.INVALID_ARGUMENT or error.too_large:
        return TextsRefused(error.message)
    return GreenlightError(error.message)
