"""`greenlight study ...`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from pipeline.commands import options

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.config import Settings

STAGE = "study"


@click.group()
def study() -> None:
    """Run a study: early stopping."""


@study.command("early-stopping")
@options.settings(preset="seed")
@options.as_json
def early_stopping(settings: Settings, as_json: bool) -> None:
    """Compare the same fit with and without early stopping.

    Uses the lesson's split (`--preset seed`) unless another preset is given. Writes the curves and a log to
    studies/early-stopping in the workspace.
    """
    from pipeline.study import early_stopping as studies
    from pipeline.study import text as study_text

    with _studying(settings, "early-stopping", as_json=as_json) as (folder, progress):
        result = studies.early_stopping(settings, output_dir=folder, progress=progress)
    click.echo(json.dumps(result.to_json()) if as_json else study_text.as_text(result))


@study.command("ablation", hidden=True, context_settings={"ignore_unknown_options": True})
@click.argument("_given", nargs=-1, expose_value=False)
def ablation() -> None:
    """An error that names the replacement of this command."""
    raise click.UsageError(
        "The ablation study is a benchmark now: python -m benchmarks.accuracy.ablation, in a checkout."
    )


@contextmanager
def _studying(
    settings: Settings, name: str, *, as_json: bool
) -> Iterator[tuple[Path, Callable[[str], None]]]:
    """A study's folder in the workspace, and whom to tell how far it is; its noise goes to a log there."""
    from pipeline.console import run_log
    from pipeline.console.stdout import open_console
    from pipeline.preflight.training import require_study
    from pipeline.workspace.layout import Workspace
    from serving.machine import scratch

    require_study(settings)
    workspace = Workspace.of(settings)
    workspace.create()
    folder = workspace.root / "studies" / name
    started = time.perf_counter()
    with (
        open_console(as_json=as_json) as console,
        scratch.holding_temporary_files("study"),
        run_log.capture(folder / "study.log"),
    ):
        console.stage_started(STAGE)
        yield folder, lambda line: console.progress(STAGE, line)
        console.stage_finished(STAGE, time.perf_counter() - started, False)
