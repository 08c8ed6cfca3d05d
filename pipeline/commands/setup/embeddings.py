"""`greenlight embeddings` and `greenlight embed`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from pipeline.commands import options

if TYPE_CHECKING:
    from pipeline.config import Settings


@click.command()
@options.as_json
def embeddings(as_json: bool) -> None:
    """List the named text embeddings.

    Any other TF Hub text embedding can be given by its URL or folder.
    """
    from components.embeddings.catalog import CATALOG

    if as_json:
        fields = ("name", "dimensions", "kind", "handle", "description")
        click.echo(json.dumps([{field: getattr(entry, field) for field in fields} for entry in CATALOG]))
        return
    width = max(len(entry.name) for entry in CATALOG)
    for entry in CATALOG:
        click.echo(f"{entry.name:<{width}}  {entry.dimensions:>4} numbers  {entry.description}")


@click.command()
@options.settings
@options.as_json
@click.argument("texts", metavar="TEXT...", nargs=-1, required=True)
def embed(settings: Settings, texts: Sequence[str], as_json: bool) -> None:
    """Print the embedding vectors of texts."""
    from components.embeddings import text_ops

    # An unknown name, or a missing package, is answered before TensorFlow is loaded.
    text_ops.require(settings.embedding, cache_dir=settings.cache)
    vectors = _vectors(settings, texts)
    if as_json:
        pairs = zip(texts, vectors, strict=True)
        click.echo(json.dumps([{"text": text, "vector": vector} for text, vector in pairs]))
        return
    for text, vector in zip(texts, vectors, strict=True):
        click.echo(f"{text!r}: {len(vector)} numbers")
        for start in range(0, len(vector), 10):
            click.echo("  " + " ".join(f"{number:8.4f}" for number in vector[start : start + 10]))


def _vectors(settings: Settings, texts: Sequence[str]) -> list[list[float]]:
    """One vector a text. TensorFlow's noise goes to the cache folder's `embed.log`."""
    from pipeline.console import run_log

    with run_log.real_stderr() as screen, run_log.capture(settings.cache / "embed.log"):
        import tensorflow as tf

        from components.embeddings.load import load
        from components.embeddings.locate import locate

        def tell(line: str) -> None:
            print(line, file=screen, flush=True)

        handle = locate(settings.embedding, cache_dir=settings.cache, progress=tell)
        layer = load(handle, name=settings.embedding.name, trainable=False)
        return layer(tf.constant(list(texts))).numpy().tolist()
