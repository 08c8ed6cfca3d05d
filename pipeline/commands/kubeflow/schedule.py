"""`greenlight schedule`."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from components.errors import InputError
from pipeline.commands import options

if TYPE_CHECKING:
    from pipeline.config import Settings
    from pipeline.kubeflow.schedules import Schedule, Schedules
    from pipeline.kubeflow.submission import Cluster

ACTIONS = {"pause": "paused", "resume": "active", "delete": "deleted"}
"""And what a schedule is afterwards."""
_MAYBE_DONE = "The cluster may have done it already: `greenlight schedule` lists the schedules."


@click.command()
@options.settings
@options.kubeflow_parameters
@click.option("--cron", metavar="'M H D M W'", help='When it runs, in UTC: "0 3 * * 1" is Mondays at three.')
@click.option("--name", metavar="NAME", help="The schedule's name. Default: the pipeline's name.")
@click.option("--pause", metavar="NAME", help="Pause the schedule; running runs continue.")
@click.option("--resume", metavar="NAME", help="Resume the schedule.")
@click.option("--delete", metavar="NAME", help="Delete the schedule; its runs remain.")
@options.as_json
def schedule(
    settings: Settings,
    given: Sequence[str],
    cron: str | None,
    name: str | None,
    as_json: bool,
    **actions: str | None,
) -> None:
    """Schedule the pipeline on Kubeflow.

    With --cron, the compiled pipeline is uploaded and scheduled; a schedule with the same name is replaced.
    Without options, lists the schedules of the experiment kubeflow.api.experiment.
    """
    changes = [(action, which) for action, which in actions.items() if which is not None]
    if len(changes) + (cron is not None) > 1:
        raise InputError("Give one of --cron, --pause, --resume and --delete.")
    if cron is None and (given or name is not None):
        raise InputError(f"{'--param' if given else '--name'} needs --cron.")

    from pipeline.kubeflow import checks, parameters
    from pipeline.termination import NOTHING_IS_KEPT, as_interruption

    chosen: dict[str, object] = {}
    if cron is not None:
        checks.require_kfp()
        from pipeline.kubeflow.schedules import six_fields

        six_fields(cron)
        checks.require_compilable(settings)
        chosen = parameters.read(settings, given)

    with as_interruption(_MAYBE_DONE if cron is not None or changes else NOTHING_IS_KEPT):
        _carry_out(
            settings,
            cron=cron,
            name=name,
            change=changes[0] if changes else None,
            chosen=chosen,
            as_json=as_json,
        )


def _carry_out(
    settings: Settings,
    *,
    cron: str | None,
    name: str | None,
    change: tuple[str, str] | None,
    chosen: dict[str, object],
    as_json: bool,
) -> None:
    """Sets a schedule, changes one (`change`: the action and the name), or lists them."""
    from pipeline.kubeflow.api import connect
    from pipeline.kubeflow.schedules import Schedules
    from pipeline.kubeflow.submission import Cluster

    api = connect(settings.kubeflow.api)
    cluster = Cluster(
        api,
        pipeline_root=settings.kubeflow.pipeline_root,
        service_account=settings.kubeflow.pod.service_account,
    )
    experiment = cluster.known_experiment() if cron is None else cluster.experiment()
    schedules = Schedules(api, experiment)
    if cron is not None:
        _set(settings, cluster, schedules, name=name, cron=cron, chosen=chosen, as_json=as_json)
    elif change is not None:
        action, which = change
        found = schedules.find(which)
        getattr(schedules, action)(found)
        now = dataclasses.replace(found, state=ACTIONS[action])
        _say(f"{action.capitalize().rstrip('e')}ed {now.name}.", now, as_json=as_json)
    else:
        _list(schedules.all(), as_json=as_json)


def _set(
    settings: Settings,
    cluster: Cluster,
    schedules: Schedules,
    *,
    name: str | None,
    cron: str,
    chosen: dict[str, object],
    as_json: bool,
) -> None:
    from pipeline.commands.kubeflow.compile import compiled
    from pipeline.kubeflow.schedules import PAUSED

    pipeline = settings.kubeflow.name_for(settings.model_name)
    uploaded = cluster.upload(compiled(settings, as_json=False), name=pipeline)
    made, replaced = schedules.set(name or pipeline, cron, cluster.started_with(uploaded, chosen))
    instead = " It replaces the one before." if replaced else ""
    if made.state == PAUSED:
        instead = f" It is paused, as the one before was: --resume {shlex.quote(made.name)} starts it."
    _say(f"Scheduled {made.name} for {cron} UTC, version {uploaded.name}.{instead}", made, as_json=as_json)


def _list(found: Sequence[Schedule], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(each) for each in found]))
    elif not found:
        click.echo("Nothing is scheduled. `greenlight schedule --cron '0 3 * * *'` does.", err=True)
    else:
        width = max(len(each.name) for each in found)
        for each in found:
            click.echo(
                f"{each.name:<{width}}  {each.cron.removeprefix('0 '):<16}  {each.state:<6}  {each.id}"
            )


def _say(line: str, schedule: Schedule, *, as_json: bool) -> None:
    click.echo(json.dumps(dataclasses.asdict(schedule)) if as_json else line)
