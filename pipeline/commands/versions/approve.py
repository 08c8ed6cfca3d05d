"""`greenlight approve`."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import click

from components.reviews import LENGTH, LENGTHS
from pipeline.commands import options

if TYPE_CHECKING:
    from pipeline.approval import Approved
    from pipeline.config import Settings
    from pipeline.workspace.layout import Workspace

_MAYBE_APPROVED = (
    "The model may be promoted already: `greenlight versions` shows it. Run the same command again: it "
    "completes what is missing, and changes nothing else."
)


@click.command()
@options.workspace
@click.option(
    "--reason", metavar="TEXT", required=True, help="The reason, recorded in the verdict and the history."
)
@click.option("--by", metavar="NAME", help="The person who approves. Default: user@host.")
@click.option(
    "--waive",
    metavar="METRIC[:CLASS][@SLICE]",
    multiple=True,
    help="A condition that failed and that you accept, such as auc or "
    f'"accuracy@{LENGTH}:{LENGTHS[0]}". Repeatable.',
)
@click.option("--waive-all", is_flag=True, help="Accept every condition that failed.")
@options.as_json
@click.argument("run", required=False)
def approve(
    settings: Settings,
    reason: str,
    by: str | None,
    waive: tuple[str, ...],
    waive_all: bool,
    as_json: bool,
    run: str | None,
) -> None:
    """Promote a refused run by manual approval.

    RUN is a run of `greenlight runs`, or the beginning of its name. Default: the newest.

    An approval waives the comparison with the model in production; every other failed condition has to be
    named with --waive, otherwise the command ends with exit code 3. A model that cannot be served is never
    promoted.
    """
    from components.evaluator.approval import SHOWN_NAMES, Waivers
    from pipeline.approval import Decision, promote_refused
    from pipeline.termination import as_interruption
    from pipeline.workspace.layout import Workspace

    decision = Decision(run=run, reason=reason, by=by, waivers=Waivers(waive, waive_all))
    workspace = Workspace.of(settings)
    with as_interruption(_MAYBE_APPROVED):
        done = promote_refused(workspace, decision, push=settings.push)
        if done.approval is not None:
            _write_card(workspace, done)
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(done)))
        return
    approval = done.approval
    if approval is None:
        click.echo(
            f"Nothing to approve: the model of run {done.run} is live already, as version {done.version}. "
            "The run stays refused."
        )
        return
    live = "is live already" if done.outcome == "unchanged" else "is live"
    click.echo(f"Version {done.version} {live}; it is the model of run {done.run}.")
    click.echo(f"Approved by {approval['by']} at {approval['at']}: {approval['reason']}")
    for line in done.accuracies.lines():
        click.echo(line)
    click.echo(f"Waived: {', '.join(SHOWN_NAMES.get(name, name) for name in approval['waived'])}")


def _write_card(workspace: Workspace, done: Approved) -> None:
    """The card of the approved version; a run of before settings were kept has none."""
    from pipeline import config
    from pipeline.lineage.runs import read_run
    from pipeline.report import model_card
    from pipeline.results.outcome import RunResult

    kept = workspace.settings(done.run)
    if kept.is_file():
        result = dataclasses.replace(RunResult.load(workspace.result(done.run)), version=str(done.version))
        run = read_run(workspace.metadata, done.run)
        model_card.write(run, result, config.load(file=kept), workspace=workspace)
