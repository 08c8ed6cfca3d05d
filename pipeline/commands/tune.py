"""`greenlight tune`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.commands import options

if TYPE_CHECKING:
    from pipeline.config import Settings


@click.command()
@options.settings
@click.option(
    "--output", metavar="FILE", help="The settings file to write. Default: WORKSPACE/tuning/tuned.toml."
)
@options.as_json
def tune(settings: Settings, output: str | None, as_json: bool) -> None:
    """Search for better training settings within a budget.

    The budget is tune.trials and tune.minutes.

    Fits on train, compares on eval, and never reads test. The first trial uses the current settings. The best
    settings are written to a file for `greenlight run --config`. Each result is kept: an interrupted search
    continues, and a search with a larger budget continues where the smaller one ended.
    """
    from pipeline.console.stdout import open_console
    from pipeline.engine import tuning
    from pipeline.termination import as_interruption

    kept = "The fits that were made are kept: run again to go on."
    with as_interruption(kept), open_console(as_json=as_json) as console:
        result = tuning.tune(settings, console=console, output=Path(output) if output else None)
    click.echo(json.dumps(result.to_json()) if as_json else result.as_text())
