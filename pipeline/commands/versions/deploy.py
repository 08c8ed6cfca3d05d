"""`greenlight deploy compose` and `greenlight deploy kserve`: deployment files for a version."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline import output_file
from pipeline.commands import options
from pipeline.commands.group import Group

if TYPE_CHECKING:
    from pipeline.config import Settings
    from pipeline.deployment.release import Release

_VERSION = click.option(
    "--version", type=click.IntRange(min=1), metavar="N", help="The version to deploy. Default: the live one."
)
_OUTPUT = click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write to this file instead of standard output.",
)


@click.group(cls=Group)
def deploy() -> None:
    """Render deployment files for a version: Compose, KServe.

    Both serve exactly one version, verified against its manifest, with TensorFlow Serving, under the same
    paths and names as `greenlight serve`. To roll out a newer version, render and apply again.
    """


@deploy.command()
@options.workspace
@_VERSION
@_OUTPUT
@click.option("--image", metavar="IMAGE", help="TensorFlow Serving's image; a pinned release by default.")
@click.option(
    "--host", metavar="ADDRESS", default="127.0.0.1", show_default=True, help="Address to listen on."
)
@click.option(
    "--rest-port",
    metavar="PORT",
    type=click.IntRange(1, 65535),
    default=8501,
    show_default=True,
    help="HTTP port to listen on.",
)
@click.option(
    "--grpc-port",
    metavar="PORT",
    type=click.IntRange(1, 65535),
    default=8500,
    show_default=True,
    help="gRPC port to listen on.",
)
def compose(
    settings: Settings,
    version: int | None,
    output: Path | None,
    image: str | None,
    host: str,
    rest_port: int,
    grpc_port: int,
) -> None:
    """Render a Docker Compose file for a machine that has the version's folder."""
    from pipeline.deployment import compose
    from pipeline.deployment.release import SERVER

    text = compose.render(
        _release(settings, version),
        image=image or SERVER,
        host=host,
        rest_port=rest_port,
        grpc_port=grpc_port,
    )
    _give(text, output)


@deploy.command()
@options.workspace
@_VERSION
@_OUTPUT
@click.option(
    "--storage-uri",
    metavar="URI",
    required=True,
    help="Address of the folder of versions for the cluster: gs://bucket/serving/imdb_sentiment, pvc://...",
)
@click.option(
    "--namespace", metavar="NAME", default="default", show_default=True, help="The Kubernetes namespace."
)
@click.option(
    "--min-replicas",
    metavar="N",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="The fewest servers; 0 scales to zero.",
)
@click.option(
    "--max-replicas",
    metavar="N",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="The most servers.",
)
@click.option("--cpu", metavar="AMOUNT", default="1", show_default=True, help="CPUs of each server.")
@click.option("--memory", metavar="AMOUNT", default="2Gi", show_default=True, help="Memory of each server.")
def kserve(settings: Settings, version: int | None, output: Path | None, **choices: object) -> None:
    """Render a KServe InferenceService (TensorFlow runtime) for a cluster."""
    from pipeline.deployment import kserve

    _give(kserve.render(_release(settings, version), **choices), output)  # type: ignore[arg-type]


def _release(settings: Settings, version: int | None) -> Release:
    from components.store_errors import as_greenlight_errors
    from pipeline.deployment.release import choose
    from pipeline.workspace.version_store import store_root
    from serving.store.signing import verifier_of
    from serving.versions import VersionStore

    with as_greenlight_errors():
        store = VersionStore(store_root(settings), verifier=verifier_of(settings.push.public_key))
        return choose(store, model_name=settings.model_name, number=version)


def _give(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=False)
    else:
        output_file.write(output, text)
        click.echo(f"Wrote {output}.", err=True)
