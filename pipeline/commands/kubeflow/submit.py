"""`greenlight submit`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from components.errors import InputError
from pipeline.commands import options

if TYPE_CHECKING:
    from pipeline.config import Settings
    from pipeline.kubeflow.submission import Cluster
    from pipeline.results.outcome import RunResult


@click.command()
@options.settings
@options.kubeflow_parameters
@click.option("--no-wait", is_flag=True, help="Start the run without waiting for it.")
@click.option("--run", "run", metavar="ID", help="Wait for this run instead of starting one.")
@options.as_json
def submit(settings: Settings, given: Sequence[str], no_wait: bool, run: str | None, as_json: bool) -> int:
    """Run the pipeline on Kubeflow and wait for its verdict.

    Compiles the pipeline, uploads it to kubeflow.api.host (an unchanged pipeline only once) and starts a run.
    The token comes from kubeflow.api.token_file or from the environment variable GREENLIGHT_KUBEFLOW_TOKEN.
    Ctrl-C stops the waiting, not the run.
    """
    from pipeline.termination import as_interruption

    goes_on = "A started run continues: check the cluster before you start another one."
    with as_interruption(goes_on):
        return _submit(settings, given, run=run, no_wait=no_wait, as_json=as_json)


def _submit(
    settings: Settings, given: Sequence[str], *, run: str | None, no_wait: bool, as_json: bool
) -> int:
    from pipeline.kubeflow import checks, parameters

    if run is not None and (given or no_wait):
        useless = "--param" if given else "--no-wait"
        raise InputError(f"{useless} needs a run that is started; --run starts none.")
    checks.require_compilable(settings)
    checks.require_kfp()
    chosen = parameters.read(settings, given)

    from pipeline.kubeflow.api import connect
    from pipeline.kubeflow.submission import Cluster

    cluster = Cluster(
        connect(settings.kubeflow.api),
        pipeline_root=settings.kubeflow.pipeline_root,
        service_account=settings.kubeflow.pod.service_account,
    )
    if run is None:
        from pipeline.commands.kubeflow.compile import compiled

        uploaded = cluster.upload(
            compiled(settings, as_json=False), name=settings.kubeflow.name_for(settings.model_name)
        )
        _tell(f"{'Uploaded' if uploaded.is_new else 'Unchanged:'} version {uploaded.name}.", as_json)
        run = cluster.start(uploaded, chosen)
        _tell(f"Started run {run}: {cluster.link(run)}", as_json)
    if no_wait:
        if as_json:
            click.echo(json.dumps({"run": run, "link": cluster.link(run)}))
        return 0
    return _waited(cluster, run, settings, as_json=as_json)


def _waited(cluster: Cluster, run: str, settings: Settings, *, as_json: bool) -> int:
    from pipeline.kubeflow.runs import outcome
    from pipeline.termination import as_interruption

    goes_on = f"The run goes on: {cluster.link(run)}; `greenlight submit --run {run}` waits for it again."
    with as_interruption(goes_on):
        ended = cluster.wait(run, tell=lambda stage, state: _tell(f"{stage:<16} {state.lower()}", as_json))
    result = outcome(ended, store=settings.kubeflow.store_for(settings.model_name))
    _show(result, as_json=as_json)
    return result.exit_code


def _show(result: RunResult, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(result.to_json()))
    elif result.verdict != "failed":
        from pipeline.results.summary import summarize

        click.echo("\n" + summarize(result).as_text(), nl=False)
    if result.verdict == "failed":
        click.echo(f"Error: {result.error}", err=True)


def _tell(line: str, as_json: bool) -> None:
    if not as_json:
        click.echo(line)
