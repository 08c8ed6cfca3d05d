"""`greenlight run`."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.commands import options

if TYPE_CHECKING:
    from pipeline.config import Settings
    from pipeline.console.plain import Console
    from pipeline.console.trace import Trace


@click.command()
@options.settings
@click.option("--no-cache", is_flag=True, help="Run every stage, also where nothing has changed.")
@click.option("--profile", is_flag=True, help="Leave a trace of where the time went with the run's log.")
@click.option("--run-id", metavar="ID", hidden=True, help="The id that `greenlight retrain` has noted.")
@options.as_json
def run(settings: Settings, no_cache: bool, profile: bool, run_id: str | None, as_json: bool) -> int:
    """From reviews to a promoted model, or the reason why not.

    Reads the reviews, checks them, trains, measures the model on reviews it has not seen, and promotes it
    where it meets the gate. Stages with unchanged inputs are taken from the cache.
    """
    from components.embeddings import catalog
    from pipeline.console.stdout import open_console
    from pipeline.termination import as_interruption

    catalog.find(settings.embedding.name)  # an unknown name is answered before TensorFlow is loaded
    with as_interruption(), open_console(as_json=as_json) as shown, _watched(shown, profile) as watched:
        from pipeline.engine import local_runner

        console, trace = watched
        result = local_runner.run(settings, console=console, use_cache=not no_cache, run_id=run_id)
        console.finish(result)
    if settings.alerts.plain_runs:
        from pipeline.alerts.run_alert import tell

        tell(result, settings)
    told = result.to_json()
    if trace and result.log:
        path = Path(result.log).with_name("trace.json")
        trace.write(path)
        told["trace"] = str(path)
    if as_json:
        click.echo(json.dumps(told))
    elif "trace" in told:
        click.echo(f"  trace   {told['trace']}, to be opened at https://ui.perfetto.dev")
    if result.verdict == "failed":
        click.echo(f"Error: {result.error}\nThe log is {result.log}", err=True)
    return result.exit_code


def _watched(console: Console, profile: bool) -> AbstractContextManager[tuple[Console, Trace | None]]:
    """The console to run with, and the trace that is made of the run, if any."""
    if not profile:
        return nullcontext((console, None))
    from pipeline.console.profiling import profiled

    return profiled(console)
