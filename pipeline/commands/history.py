"""`greenlight runs`, `greenlight verdict` and `greenlight report`."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from components.errors import InputError
from pipeline.commands import options

if TYPE_CHECKING:
    from pipeline.config import Settings


@click.command()
@options.workspace
@options.as_json
def runs(settings: Settings, as_json: bool) -> None:
    """List the runs of a workspace."""
    from pipeline.workspace.layout import Workspace
    from pipeline.workspace.past_runs import past_runs

    found = past_runs(Workspace.of(settings))
    if as_json:
        click.echo(json.dumps([{"run": past.id, **past.facts()} for past in found]))
        return
    if not found:
        click.echo(f"There is no run in {settings.workspace}. `greenlight run` starts one.", err=True)
    for past in found:
        facts = past.facts()
        accuracy = "" if facts["accuracy"] is None else f"accuracy {facts['accuracy']:.4f}"
        version = "" if facts["version"] is None else f"version {facts['version']}"
        approval = facts["approval"]
        remark = "" if approval is None else f"  approved by {approval['by']}: {approval['reason']}"
        click.echo(f"{past.id}  {facts['verdict']:<10}  {accuracy:<15}  {version}{remark}".rstrip())


@click.command()
@options.workspace
@options.as_json
@click.option("--md", "as_markdown", is_flag=True, help="Print Markdown, for a comment or a job summary.")
@click.argument("run", required=False)
def verdict(settings: Settings, run: str | None, as_json: bool, as_markdown: bool) -> None:
    """Show a run's verdict, condition by condition.

    RUN is a run of `greenlight runs`, or the beginning of its name. Default: the newest.
    """
    from pipeline.results.verdict_table import verdict_lines, verdict_markdown
    from pipeline.workspace.layout import Workspace
    from pipeline.workspace.past_runs import ended_run

    result = ended_run(Workspace.of(settings), run)
    if as_json:
        click.echo(json.dumps(result.to_json()))
    elif as_markdown:
        click.echo(verdict_markdown(result))
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        click.echo(verdict_lines(result, width=width))


@click.command()
@options.workspace
@click.argument("run", required=False)
def report(settings: Settings, run: str | None) -> None:
    """Print the path of a run's report.

    RUN is a run of `greenlight runs`, or the beginning of its name. Default: the newest.
    """
    from pipeline.workspace.layout import Workspace
    from pipeline.workspace.past_runs import ended_run

    result = ended_run(Workspace.of(settings), run)
    if result.report is None or not Path(result.report).is_file():
        raise InputError(f"The run {result.run} has no report. Its log is {result.log}.")
    click.echo(result.report)
