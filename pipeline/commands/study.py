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
    """Studies: early stopping and ablation."""


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


@study.command("ablation")
@options.settings(preset="seed")
@click.option("--row", "rows", multiple=True, metavar="NAME", help="Fit only this row. Repeatable.")
@click.option(
    "--seed",
    "seeds",
    multiple=True,
    type=click.IntRange(0, 2**31 - 1),
    help="Fit with this seed. Repeatable. Default: 1, 2 and 3.",
)
@options.as_json
def ablation(settings: Settings, rows: tuple[str, ...], seeds: tuple[int, ...], as_json: bool) -> None:
    """Measure what each part of the default model contributes.

    Fits the model without one part at a time, with several seeds per row, on the lesson's split (`--preset
    seed`) unless another preset is given. Each result is kept in studies/ablation in the workspace: an
    interrupted study continues, and no fit is repeated. The table is written there as ablation.md.
    """
    from pipeline.study import ablation as studies
    from pipeline.termination import as_interruption

    if unknown := [row for row in rows if row not in studies.ROWS]:
        raise click.BadParameter(
            f"There is no row {unknown[0]!r}. There is: {', '.join(studies.ROWS)}.", param_hint="--row"
        )
    kept = "The fits that were made are kept: run again to go on."
    with as_interruption(kept), _studying(settings, "ablation", as_json=as_json) as (folder, progress):
        result = studies.ablation(
            settings,
            output_dir=folder,
            rows=tuple(dict.fromkeys(rows)) or tuple(studies.ROWS),
            seeds=tuple(dict.fromkeys(seeds)) or studies.SEEDS,
            progress=progress,
        )
    click.echo(json.dumps(result.to_json()) if as_json else result.as_text())


@contextmanager
def _studying(
    settings: Settings, name: str, *, as_json: bool
) -> Iterator[tuple[Path, Callable[[str], None]]]:
    """A study's folder in the workspace, and whom to tell how far it is; its noise goes to a log there."""
    from pipeline.console import run_log
    from pipeline.console.stdout import open_console
    from pipeline.preflight.training import require_study
    from pipeline.workspace.layout import Workspace

    require_study(settings)
    workspace = Workspace.of(settings)
    workspace.create()
    folder = workspace.root / "studies" / name
    started = time.perf_counter()
    with open_console(as_json=as_json) as console, run_log.capture(folder / "study.log"):
        console.stage_started(STAGE)
        yield folder, lambda line: console.progress(STAGE, line)
        console.stage_finished(STAGE, time.perf_counter() - started, False)
