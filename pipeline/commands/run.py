"""`greenlight run`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from components.errors import GreenlightError
from pipeline.commands import options

if TYPE_CHECKING:
    from pipeline.config import Settings
    from pipeline.results.outcome import RunResult


PROFILE = "py-spy record --subprocesses --format speedscope --output profile.json -- greenlight run"


def _refuse_profile(context: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        raise click.UsageError(f"--profile was removed: `pip install py-spy`, then `{PROFILE}`.", context)


def _alert(result: RunResult, settings: Settings) -> None:
    """Sends the run's alert; failing to keep one changes nothing of what the run came to."""
    from pipeline.alerts.run_alert import send

    try:
        send(result, settings)
    except GreenlightError as error:
        click.echo(f"The alert was not kept: {error}", err=True)


@click.command()
@options.settings
@click.option("--no-cache", is_flag=True, help="Run every stage, even if nothing has changed.")
@click.option("--profile", is_flag=True, hidden=True, expose_value=False, callback=_refuse_profile)
@click.option("--run-id", metavar="ID", hidden=True, help="The id that `greenlight retrain` has recorded.")
@options.as_json
def run(settings: Settings, no_cache: bool, run_id: str | None, as_json: bool) -> int:
    """Train a model on labeled texts and promote it if it passes the gate.

    Reads and checks the examples, trains, evaluates the model on unseen examples, and promotes it if it
    passes the gate. Stages with unchanged inputs are taken from the cache.
    """
    from pipeline.console.stdout import open_console
    from pipeline.termination import STAGES_ARE_KEPT, as_interruption

    with as_interruption(STAGES_ARE_KEPT), open_console(as_json=as_json) as console:
        from pipeline.engine import local_runner

        result = local_runner.run(settings, console=console, use_cache=not no_cache, run_id=run_id)
        console.finish(result)
    if settings.alerts.plain_runs:
        _alert(result, settings)
    if as_json:
        click.echo(json.dumps(result.to_json()))
    if result.verdict == "failed":
        click.echo(f"Error: {result.error}\nThe log is {result.log}", err=True)
    return result.exit_code
