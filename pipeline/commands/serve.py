"""`greenlight serve`: the promoted model answers, over HTTP and gRPC."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from pipeline.commands import options

if TYPE_CHECKING:
    from pipeline.config import Settings
    from serving.server import Addresses, Server


@click.command()
@options.workspace
@click.option("--rest-port", metavar="PORT", type=int, help="Port of HTTP; 0 takes a free one. [8501]")
@click.option("--grpc-port", metavar="PORT", type=int, help="Port of gRPC; 0 takes a free one. [8500]")
@click.option("--host", metavar="ADDRESS", help="Address to listen on. [127.0.0.1]")
@click.option(
    "--version", metavar="N", type=int, help="Serve this version and no other. [the newest good one]"
)
@click.option("--api-keys", metavar="FILE", help="File with the API keys that requests have to bring.")
@click.option("--tls-certificate", metavar="FILE", help="PEM file with the certificate chain.")
@click.option("--tls-key", metavar="FILE", help="PEM file with the certificate's private key.")
def serve(settings: Settings, **given: Any) -> None:
    """Answer requests with the promoted model.

    TensorFlow Serving's own protocol over HTTP and gRPC, and the Open Inference Protocol. A newly promoted
    version is switched to, and a rolled-back one left, without a failed request. Ctrl-C or SIGTERM ends it
    when the last request is answered; a second one ends it at once.

    Each option is a setting of the same name: see `greenlight config explain serve`.
    """
    from components.pusher.store_errors import as_greenlight_errors

    settings = _with(settings, given)
    with as_greenlight_errors():
        _serve(settings)


def _with(settings: Settings, given: dict[str, Any]) -> Settings:
    """The settings, with the options over them, validated again."""
    import json

    from pipeline import config, config_layers

    layers = [config_layers.Layer("the settings", json.loads(settings.model_dump_json(exclude_unset=True)))]
    layers += [
        config_layers.at_key(f"serve.{name}", value, origin=f"--{name.replace('_', '-')}")
        for name, value in given.items()
        if value is not None
    ]
    return config.parse(config_layers.merge(layers))


def _serve(settings: Settings) -> None:
    from pipeline.workspace import Workspace
    from serving.server import check, serve
    from serving.signing import KeyVerifier
    from serving.versions import VersionStore

    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # what fails is raised; the rest is about absent GPUs
    check(settings.serve)
    workspace = Workspace.at(settings.workspace)
    public = settings.push.public_key
    store = VersionStore(
        workspace.serving(settings.model_name), verifier=KeyVerifier(public) if public else None
    )
    click.echo(f"Loading the newest good version in {store.root} ...")
    serve(
        store,
        settings.serve,
        model_name=settings.model_name,
        request_log=settings.serve.request_log_dir or workspace.requests(settings.model_name),
        started=lambda server, addresses: _announce(server, addresses, settings),
    )


def _announce(server: Server, addresses: Addresses, settings: Settings) -> None:
    scheme = "https" if addresses.tls else "http"
    loaded = server.models.labels().get("stable")
    name = settings.model_name
    if loaded is None:
        lines = [f"NOT READY  {name} has no version that can be served; it will be as soon as there is one"]
        lines += [f"  version {one.version} is refused: {one.message}" for one in server.models.refusals()]
    else:
        lines = [f"READY  {name}, version {loaded}"]
    base = f"{scheme}://{addresses.rest}"
    lines.append(f"  rest     {base}/v1/models/{name}")
    if addresses.grpc:
        lines.append(f"  grpc     {addresses.grpc}")
    lines.append(f"  metrics  {base}/monitoring/prometheus/metrics")
    lines.append(
        f'  ask      curl -d \'{{"instances": ["A wonderful film."]}}\' {base}/v1/models/{name}:predict'
    )
    click.echo("\n".join(lines))
