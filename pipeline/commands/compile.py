"""`greenlight compile`."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from components.errors import InputError
from pipeline.commands import options

if TYPE_CHECKING:
    from pipeline.config import Settings

FORMATS = (".yaml", ".yml", ".json")


@click.command()
@options.settings
@click.option(
    "--output",
    metavar="FILE",
    default="pipeline.yaml",
    show_default=True,
    help="A .yaml file for Kubeflow Pipelines, or a .json file for Vertex AI Pipelines.",
)
def compile(settings: Settings, output: str) -> None:
    """Write the pipeline as a file that Kubeflow can run.

    The settings kubeflow.image and kubeflow.pipeline_root are needed; `greenlight config explain kubeflow`
    lists the others. Equal settings and code give the same bytes.
    """
    from pipeline.kubeflow import checks

    path = Path(output)
    if path.suffix not in FORMATS:
        raise InputError(f"--output {output}: the name has to end in one of {', '.join(FORMATS)}.")
    checks.require_compilable(settings)
    checks.require_kfp()
    _write(path, _compiled(settings, as_json=path.suffix == ".json"))
    click.echo(f"Wrote {output}.")


def _compiled(settings: Settings, *, as_json: bool) -> str:
    """The file's content. What the libraries write meanwhile is shown to nobody."""
    from pipeline import run_log

    with tempfile.TemporaryDirectory(prefix="greenlight-compile-") as folder:
        with run_log.capture(Path(folder, "compile.log")):
            from pipeline.kubeflow import runner

            compiled = runner.compile_pipeline(settings)
        return compiled.to_json() if as_json else compiled.to_yaml()


def _write(path: Path, text: str) -> None:
    """Replaces the file as a whole.

    Raises:
      InputError: it cannot be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        message = f"--output {path} cannot be written: {error.strerror or error}. Name another file."
        raise InputError(message) from None
