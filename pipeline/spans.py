"""The spans of labelled reviews that wait to be trained on: which there are, and how one more is landed.

Light, for a watcher asks every few seconds: for spans on this machine's disks nothing here imports
TensorFlow, Beam or ML Metadata, and listing reads no review.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.example_gen import spans
from components.example_gen.settings import SPANS
from components.example_gen.spans import Span

if TYPE_CHECKING:
    from components.example_gen.settings import DataSettings
    from pipeline.config import Settings


def list_spans(settings: Settings) -> list[Span]:
    """The spans of `span_data(settings)`, each in its newest version, oldest span first.

    Raises:
      InputError: see `components.example_gen.spans.find`.
    """
    return spans.newest_versions(spans.find(span_data(settings).pattern))


def span_data(settings: Settings) -> DataSettings:
    """The data settings that say where the spans are: those in force if their source has spans; else those of
    the workspace's own spans.
    """
    if settings.data.has_spans:
        return settings.located_data
    of_workspace = settings.data.model_copy(update={"source": SPANS})
    return settings.model_copy(update={"data": of_workspace}).located_data
