"""`greenlight study ...`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from pipeline.commands import options

if TYPE_CHECKING:
    from pipeline.config import Settings


@click.group()
def study() -> None:
    """Experiments beside the pipeline."""


@study.command("early-stopping")
@options.settings(preset="seed")
@options.as_json
def early_stopping(settings: Settings, as_json: bool) -> None:
    """What early stopping saves: the same fit with and without it, from the same initial weights.

    On the lesson's split (`--preset seed`) unless another is named.
    """
    from components.embeddings import catalog
    from pipeline.console import open_console

    catalog.find(settings.embedding.name)  # an unknown name is answered before TensorFlow is loaded
    with open_console(as_json=as_json) as console:
        from pipeline import study as studies

        result = studies.early_stopping(settings, console=console)
    click.echo(json.dumps(result.to_json()) if as_json else result.as_text())
