"""`greenlight retrain`."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import signal
from typing import TYPE_CHECKING, Any

import click

from components.errors import InputError
from pipeline.commands import options

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.config import Settings
    from pipeline.retraining.paths import Paths
    from pipeline.retraining.policy.clock import Timestamp
    from pipeline.retraining.retrainer import Step

QUARANTINED = 4
"""The exit code of a failed data check, as of `greenlight run`."""


@click.command()
@options.settings
@click.option("--watch", is_flag=True, help="Keep deciding until SIGTERM or Ctrl-C.")
@click.option("--dry-run", is_flag=True, help="Print the decision; write and start nothing.")
@click.option("--history", is_flag=True, help="List all decisions and their results, with reasons.")
@click.option(
    "--release", metavar="SPAN", type=int, help="Let runs read a quarantined span again; needs --reason."
)
@click.option("--reason", metavar="TEXT", help="The reason for --release, kept in the history.")
@click.option(
    "--render",
    type=click.Choice(["systemd", "cronjob"]),
    help="Print a systemd unit or a Kubernetes CronJob that runs this command.",
)
@click.option("--image", metavar="NAME", help="Container image of the CronJob (kubeflow.image).")
@click.option(
    "--every", metavar="CRON", default="*/15 * * * *", show_default=True, help="The schedule of the CronJob."
)
@click.option(
    "--claim",
    metavar="NAME",
    default="greenlight-workspace",
    show_default=True,
    help="PersistentVolumeClaim that holds the CronJob's workspace.",
)
@click.option("--now", metavar="TIME", help="Decide as if it were this time (ISO 8601), for a trial.")
@options.as_json
@click.pass_context
def retrain(context: click.Context, settings: Settings, **given: Any) -> int | None:
    """Start a run if new data, drift, decay or a schedule asks for one.

    Decides once, prints the reason, and ends with the run's exit code: 0 if there is nothing to do, 4 if a
    span was quarantined. With --watch it keeps deciding.
    """
    from pipeline.retraining.paths import Paths
    from pipeline.workspace.layout import Workspace

    modes = [
        name
        for name in ("watch", "dry_run", "history", "release", "render")
        if given[name] is not None and given[name] is not False
    ]
    if len(modes) > 1:
        named = " and ".join(f"--{name.replace('_', '-')}" for name in modes)
        raise click.UsageError(f"{named} cannot go together.", context)
    if given["watch"] and (given["now"] or given["as_json"]):
        raise click.UsageError("--watch goes with neither --now nor --json.", context)
    _require_companions(context, given)
    paths = Paths(Workspace.of(settings))
    if given["render"]:
        click.echo(_rendered(settings, given, context.params), nl=False)
        return None
    if given["history"]:
        _show_history(paths, as_json=given["as_json"])
        return None
    paths.workspace.create()
    if given["release"] is not None:
        _release(paths, given["release"], given["reason"])
        return None
    with paths.exclusively(dry_run=given["dry_run"]):
        return _decide(settings, paths, given)


def _require_companions(context: click.Context, given: dict[str, Any]) -> None:
    """Raises UsageError for an option without the one that it belongs to; ignoring it would start a run."""
    from click.core import ParameterSource

    belongs = {"reason": ("--release", given["release"] is not None)}
    rendered = ("--render cronjob", given["render"] == "cronjob")
    belongs |= {name: rendered for name in ("image", "every", "claim")}
    for name, (other, is_there) in belongs.items():
        if context.get_parameter_source(name) != ParameterSource.DEFAULT and not is_there:
            raise click.UsageError(f"--{name} goes with {other}.", context)


def _decide(settings: Settings, paths: Paths, given: dict[str, Any]) -> int:
    from pipeline.alerts.outbox import Outbox
    from pipeline.preflight.training import require_retraining
    from pipeline.retraining import observer
    from pipeline.retraining.loop import Stop, decide_once, watch
    from pipeline.retraining.notifier import Notifier
    from pipeline.retraining.retrainer import Retrainer

    require_retraining(settings)
    stop = Stop()
    outbox = Outbox(settings.alerts, paths.workspace.root / "alerts")
    quiet = given["as_json"]
    notifier = Notifier(
        model=settings.model_name,
        paths=paths,
        outbox=outbox,
        say=_nothing if quiet else click.echo,
        live=lambda: observer.live_and_previous(settings, paths)[0],
    )
    retrainer = Retrainer(
        settings, paths, clock=_clock(given["now"]), stop=stop, notifier=notifier, dry=given["dry_run"]
    )
    with stop.on_signals(), outbox.delivering():
        if given["watch"]:
            watch(retrainer, poll_seconds=settings.retrain.poll_seconds, stop=stop, notifier=notifier)
            click.echo("Stopped.")
            return 0 if stop.by in (None, signal.SIGTERM) else 128 + stop.by
        steps = decide_once(retrainer, stop=stop, notifier=notifier)
    code = _exit_code(steps, stop.by)
    if given["as_json"]:
        click.echo(json.dumps(_facts(steps, code), default=str))
    return code


def _nothing(_: str) -> None:
    """With --json, standard output holds only the JSON document."""


def _clock(now: str | None) -> Callable[[], Timestamp]:
    from pipeline.retraining.policy.clock import read_clock, simulated

    if now is None:
        return read_clock
    try:
        at = datetime.datetime.fromisoformat(now)
    except ValueError:
        raise InputError(f"--now {now!r} is not a time. Write it like 2026-03-01T03:00Z.") from None
    if at.tzinfo is None:
        raise InputError(f"--now {now!r} lacks its time zone. Write it like 2026-03-01T03:00Z.")
    return lambda: simulated(at)


def _exit_code(steps: Sequence[Step], ended_by: signal.Signals | None) -> int:
    """The run's exit code; without a run, whether a span was quarantined."""
    if ended_by is not None:
        return 128 + ended_by
    ended = steps[-1].ended
    if ended is not None:
        return 1 if ended.exit_code is None else ended.exit_code
    return QUARANTINED if any(step.decision.kind == "set-aside" for step in steps) else 0


def _facts(steps: Sequence[Step], code: int) -> dict[str, Any]:
    found = [
        {
            **dataclasses.asdict(step.decision),
            "at": step.moment.at.isoformat(),
            "run": step.run,
            "ended": step.ended and dataclasses.asdict(step.ended),
        }
        for step in steps
    ]
    return {"decision": found[-1], "before": found[:-1], "exit_code": code}


def _release(paths: Paths, span: int, reason: str | None) -> None:
    from pipeline.retraining.policy.clock import read_clock
    from pipeline.retraining.release import release
    from serving.store.journal import whoami

    if not reason:
        raise InputError(f"--release {span} needs --reason TEXT, which the history records.")
    release(paths, span, who=whoami(), why=reason, now=read_clock())
    click.echo(f"Span {span} is released; the next decision considers it.")


def _rendered(settings: Settings, given: dict[str, Any], options: dict[str, Any]) -> str:
    from pipeline.commands.options import settings_files
    from pipeline.deployment import retrain as deploying
    from pipeline.settings.layers import is_setting

    if given["render"] == "cronjob":
        return deploying.cron_job(settings, image=given["image"], every=given["every"], claim=given["claim"])
    loose = [name for name in ("source", "embedding", "preset") if options.get(name)]
    variables = any(is_setting(name, type(settings)) for name in os.environ)
    if loose or variables or options.get("assignments"):
        raise InputError(
            "A systemd unit takes its settings from a file: write them with `greenlight config show`, and "
            "give --config FILE."
        )
    return deploying.systemd_unit(settings, config=settings_files(options["files"]))


def _show_history(paths: Paths, *, as_json: bool) -> None:
    from pipeline.retraining.journal import Journal
    from pipeline.retraining.notifier import history_line

    records = Journal(paths.journal).records()
    if as_json:
        click.echo(json.dumps([record.to_json() for record in records], default=str))
        return
    if not records:
        click.echo(f"No decision is recorded in {paths.workspace.root} yet.", err=True)
    for record in records:
        click.echo(history_line(record))
