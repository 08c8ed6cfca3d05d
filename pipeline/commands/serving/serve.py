"""`greenlight serve`: a server for the live version over HTTP and gRPC."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, Any

import click

from pipeline.commands import options
from pipeline.results.example_text import FILM, example_text

if TYPE_CHECKING:
    from pipeline.config import Settings
    from serving.endpoint.addresses import Addresses
    from serving.server import Server

_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}
"""What listens on any address, and how to reach it from this machine."""


@click.command()
@options.workspace
@click.option("--rest-port", metavar="PORT", type=int, help="HTTP port; 0 chooses a free one. [8501]")
@click.option("--grpc-port", metavar="PORT", type=int, help="gRPC port; 0 chooses a free one. [8500]")
@click.option("--host", metavar="ADDRESS", help="Address to listen on. [127.0.0.1]")
@click.option("--version", metavar="N", type=int, help="Serve only this version. [the newest good one]")
@click.option("--api-keys", metavar="FILE", help="File with the accepted API keys.")
@click.option("--tls-certificate", metavar="FILE", help="PEM file with the certificate chain.")
@click.option("--tls-key", metavar="FILE", help="PEM file with the certificate's private key.")
def serve(settings: Settings, **given: Any) -> None:
    """Serve the promoted model over HTTP and gRPC.

    Speaks TensorFlow Serving's protocol over HTTP and gRPC, and the Open Inference Protocol. A promotion or a
    rollback switches the version without a failed request. Ctrl-C or SIGTERM stops the server after the last
    response; a second signal stops it at once.

    Each option is also a setting: see `greenlight config explain serve`.
    """
    from components.store_errors import as_greenlight_errors

    settings = _with(settings, given)
    with as_greenlight_errors():
        _serve(settings)


def _with(settings: Settings, given: dict[str, Any]) -> Settings:
    """The settings, with the options over them, validated again."""
    import json

    from pipeline import config
    from pipeline.settings import layers as config_layers

    layers = [config_layers.Layer("the settings", json.loads(settings.model_dump_json(exclude_unset=True)))]
    layers += [
        config_layers.at_key(f"serve.{name}", value, origin=f"--{name.replace('_', '-')}")
        for name, value in given.items()
        if value is not None
    ]
    return config.parse(config_layers.merge(layers, model=config.Settings))


def _serve(settings: Settings) -> None:
    from components.pusher.published import published_version
    from pipeline.workspace.layout import Workspace
    from pipeline.workspace.version_store import store_root
    from serving.endpoint.addresses import check
    from serving.server import serve
    from serving.store.signing import verifier_of
    from serving.versions import VersionStore

    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # what fails is raised; the rest is about absent GPUs
    check(settings.serve)
    workspace = Workspace.at(settings.workspace)
    store = VersionStore(store_root(settings), verifier=verifier_of(settings.push.public_key))
    pinned = settings.serve.version
    if pinned is not None:
        published_version(store, pinned)
    which = "the newest good version" if pinned is None else f"version {pinned}"
    click.echo(f"Loading {which} in {store.root} ...")
    serve(
        store,
        settings.serve,
        model_name=settings.model_name,
        request_log=settings.serve.request_log_dir or workspace.requests(settings.model_name),
        started=lambda server, addresses: _announce(server, addresses, settings),
    )


def _announce(server: Server, addresses: Addresses, settings: Settings) -> None:
    from pipeline.workspace.version_store import store_root

    scheme = "https" if addresses.tls else "http"
    loaded = server.models.labels().get("stable")
    name, root = settings.model_name, store_root(settings)
    if loaded is None:
        when = f"it will be as soon as there is one in {root}"
        lines = [f"NOT READY  {name} has no version that can be served; {when}"]
        lines += [f"  version {one.version} is refused: {one.message}" for one in server.models.refusals()]
    else:
        lines = [f"READY  {name}, version {loaded}"]
    base = f"{scheme}://{addresses.rest}"
    lines.append(f"  page     {base}/")
    lines.append(f"  rest     {base}/v1/models/{name}")
    if addresses.grpc:
        lines.append(f"  grpc     {addresses.grpc}")
    lines.append(f"  metrics  {base}/monitoring/prometheus/metrics")
    question = _question(addresses, settings, text=example_text(f"{root}/{loaded}"))
    lines.append(f"  ask      {question}")
    click.echo("\n".join(lines))


def _question(addresses: Addresses, settings: Settings, *, text: str = FILM) -> str:
    """A command that asks the server, from this machine."""
    serve = settings.serve
    host, _, port = addresses.rest.rpartition(":")
    parts = ["curl"]
    if addresses.tls:
        parts.append(f"--cacert {shlex.quote(str(serve.tls_certificate))}")
    if serve.api_keys is not None or serve.api_key_variable is not None:
        parts.append(f'-H "Authorization: Bearer ${serve.api_key_variable or "KEY"}"')
    parts.append(f"""-d '{{"instances": ["{text}"]}}'""")
    here = _ANY_ADDRESS.get(host, host)
    scheme = "https" if addresses.tls else "http"
    parts.append(f"{scheme}://{here}:{port}/v1/models/{settings.model_name}:predict")
    return " ".join(parts)
