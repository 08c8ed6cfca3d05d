"""Exit codes of commands, and error reports for the user."""

from __future__ import annotations

import json
import signal
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from components.errors import GreenlightError
from pipeline.failure import explain
from pipeline.installation import missing_package
from pipeline.termination import EXIT_CODES as INTERRUPTIONS
from pipeline.termination import NOTHING_IS_KEPT, Terminated

EXIT_BROKEN_PIPE = 141

EXIT_CODES = """\b
Exit codes:
  0    success: promoted, or the identical model is already live
  1    a machine fault (disk, memory, a lock, a killed process), or any other error
  2    the settings or the input cannot be used
  3    refused by the gate
  4    stopped by the data check before training; with `drift --fail`: there is drift
  129  ended by SIGHUP, for example because the terminal was closed
  130  interrupted by Ctrl-C
  143  ended by SIGTERM, for example by `kill`, systemd or Kubernetes
"""


@contextmanager
def writing_output() -> Iterator[None]:
    """Reports an OSError in the block as one of standard output; a broken pipe passes unchanged.

    Raises:
      GreenlightError: standard output cannot be written.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise GreenlightError(f"Standard output cannot be written: {error.strerror or error}.") from error


def report_error(error: Exception, arguments: Sequence[str]) -> int:
    """Reports an error on standard error, with `--json` also on standard output; returns the exit code."""
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, ModuleNotFoundError) and (message := missing_package(error)):
        error = GreenlightError(message)
    if isinstance(error, click.NoSuchOption):
        error = click.UsageError(error.format_message() + _as_setting(error), error.ctx)
    machine = False
    if isinstance(error, click.Abort):
        message, code = _interruption(error)
    elif isinstance(error, click.ClickException):
        message, code = error.format_message(), error.exit_code
    else:
        failure = explain(error)
        message, code, machine = failure.message, failure.exit_code, failure.machine
    if "--json" in arguments:
        click.echo(json.dumps(_failed(message, code, command=arguments[0], machine=machine)))
    if isinstance(error, click.ClickException):
        error.show()
    elif machine or isinstance(error, (GreenlightError, click.Abort)):
        click.echo(message if code in INTERRUPTIONS else f"Error: {message}", err=True)
    else:
        click.echo(f"Error: {message}\nThe traceback is in {_keep_traceback(error)}", err=True)
    return code


def report_interruption(error: Terminated, arguments: Sequence[str]) -> int:
    """As `report_error` for an interruption that click has not seen."""
    aborted = click.Abort()
    aborted.__cause__ = error
    return report_error(aborted, arguments)


def _interruption(error: click.Abort) -> tuple[str, int]:
    told = error.__cause__
    if not isinstance(told, Terminated):
        told = Terminated(signal.SIGINT, NOTHING_IS_KEPT)
    return str(told), told.exit_code


def _as_setting(error: click.NoSuchOption) -> str:
    """What an unknown option may be instead: a setting, of a command that takes them; else ""."""
    takes_settings = error.ctx and any("--set" in param.opts for param in error.ctx.command.params)
    if error.possibilities or not takes_settings:
        return ""
    return " A setting is given as --set KEY=VALUE; `greenlight config explain` lists all."


def _failed(message: str, code: int, *, command: str, machine: bool) -> dict[str, Any]:
    if command != "run":
        return {"error": message, "exit_code": code, "machine_fault": machine}
    from pipeline.results.outcome import RunResult

    return RunResult(verdict="failed", error=message, error_code=code, machine_fault=machine).to_json()


def _keep_traceback(error: Exception) -> str:
    with tempfile.NamedTemporaryFile("w", prefix="greenlight-", suffix=".log", delete=False) as log:
        log.writelines(traceback.format_exception(error))
    return log.name
