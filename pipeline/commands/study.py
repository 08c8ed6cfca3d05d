"""`greenlight study ...`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from pipeline.commands import options

if TYPE_CHECKING:
    from pipeline.config import Settings

STAGE = "study"


@click.group()
def study() -> None:
    """Experiments beside the pipeline: what early stopping saves."""


@study.command("early-stopping")
@options.settings(preset="seed")
@options.as_json
def early_stopping(settings: Settings, as_json: bool) -> None:
    """What early stopping saves: the same fit with and without it, from the same initial weights.

    On the lesson's split (`--preset seed`) unless another preset is named. The curves and a log are left in
    the workspace, in studies/early-stopping.
    """
    from components.embeddings import catalog
    from pipeline import run_log
    from pipeline.console import open_console
    from pipeline.workspace import Workspace

    catalog.find(settings.embedding.name)  # an unknown name is answered before TensorFlow is loaded
    workspace = Workspace.at(settings.workspace)
    workspace.create()
    folder = workspace.root / "studies" / "early-stopping"
    with open_console(as_json=as_json) as console, run_log.capture(folder / "study.log"):
        from pipeline import study as studies

        console.stage_started(STAGE)
        result = studies.early_stopping(
            settings, output_dir=folder, progress=lambda line: console.progress(STAGE, line)
        )
        console.stage_finished(STAGE, result.seconds, False)
    click.echo(json.dumps(result.to_json()) if as_json else result.as_text())
