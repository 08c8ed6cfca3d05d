"""`greenlight study ...`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from pipeline.commands import options
from pipeline.commands.group import Group

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.config import Settings

STAGE = "study"
SIZES, DRAWS, FEWEST = (100, 200, 500, 1000, 2500, 15_000), 5, 2


@click.group(cls=Group)
def study() -> None:
    """Run a study: early stopping, or few labels."""


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


class _Sizes(click.ParamType):
    """Numbers of labels, separated by commas."""

    name = "sizes"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        try:
            sizes = tuple(int(size) for size in value.split(","))
        except ValueError:
            sizes = ()
        if not sizes or min(sizes) < FEWEST:
            self.fail(f"{value!r}: give whole numbers of at least {FEWEST}, such as 100,500,2500", param, ctx)
        return sizes


@study.command("labels")
@click.option(
    "--sizes",
    type=_Sizes(),
    default=SIZES,
    metavar="N,N,...",
    help=f"Numbers of labeled examples. Default: {','.join(map(str, SIZES))}.",
)
@click.option(
    "--draws",
    type=click.IntRange(1, 1000),
    default=DRAWS,
    metavar="N",
    help=f"How many times each size is drawn. Default: {DRAWS}.",
)
@click.option("--output", metavar="FILE", help="Write the result as JSON to this file, too.")
@options.settings
@options.as_json
def labels(settings: Settings, sizes: tuple[int, ...], draws: int, output: str | None, as_json: bool) -> None:
    """Compare accuracy by the number of labels with scikit-learn's.

    Draws labeled examples from train and eval, fits the classifier and TF-IDF with logistic regression to
    each draw, and judges both on the test split. Writes a chart and a log to studies/labels in the workspace.
    """
    from pathlib import Path

    from pipeline import output_file
    from pipeline.study.labels import study as studies
    from pipeline.study.labels import text as study_text

    file = None if output is None else Path(output)
    with _studying(settings, "labels", as_json=as_json, output=file) as (folder, progress):
        result = studies.few_labels(settings, sizes=sizes, draws=draws, output_dir=folder, progress=progress)
    if file is not None:
        output_file.write(file, json.dumps(result.to_json(), indent=1) + "\n")
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
    settings: Settings, name: str, *, as_json: bool, output: Path | None = None
) -> Iterator[tuple[Path, Callable[[str], None]]]:
    """A study's folder in the workspace, and whom to tell how far it is; its noise goes to a log there."""
    from pipeline.console import run_log
    from pipeline.console.stdout import open_console
    from pipeline.preflight.training import require_study
    from pipeline.workspace.layout import Workspace
    from serving.machine import scratch

    require_study(settings, output)
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
