"""`greenlight compile`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from components.errors import InputError
from pipeline import output_file
from pipeline.commands import options
from serving.machine import scratch

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
    """Compile the pipeline for Kubeflow.

    Requires kubeflow.image and kubeflow.pipeline_root; `greenlight config explain kubeflow` lists the other
    settings. Equal settings and code produce identical bytes.
    """
    from pipeline.kubeflow import checks

    path = Path(output)
    if path.suffix not in FORMATS:
        raise InputError(f"--output {output}: the name has to end in one of {', '.join(FORMATS)}.")
    checks.require_compilable(settings)
    if path.suffix == ".json":
        _require_no_kubernetes(settings, output)
    checks.require_kfp()
    output_file.write(path, compiled(settings, as_json=path.suffix == ".json"))
    click.echo(f"Wrote {output}.")


def _require_no_kubernetes(settings: Settings, output: str) -> None:
    """Refuses for Vertex AI what only Kubernetes has."""
    from pipeline.kubeflow import platform_spec

    kubeflow = settings.kubeflow
    if kubeflow.volumes:
        raise InputError(
            f"--output {output}: a .json file is for Vertex AI, which mounts no kubeflow.volumes. "
            "Unset them, and give a gs:// address as kubeflow.serving_root."
        )
    if any(platform_spec.executor_config(kubeflow, stage) for stage in (None, *kubeflow.pod.stages)):
        raise InputError(
            f"--output {output}: a .json file is for Vertex AI, which has no kubeflow.pod but its env. Unset "
            "the others."
        )


def compiled(settings: Settings, *, as_json: bool) -> str:
    """The content of the file. The output of the libraries is discarded."""
    from pipeline.console import run_log

    with scratch.folder("compile") as folder:
        with run_log.capture(folder / "compile.log"):
            from pipeline.kubeflow import runner

            result = runner.compile_pipeline(settings)
        return result.to_json() if as_json else result.to_yaml()
