"""The list of spans in a source.

Light, for a watcher asks every few seconds: for spans on this machine's disks nothing here imports
TensorFlow, Beam or ML Metadata, and listing reads no example.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.example_gen.settings import FILES_PREFIX, SPANS
from components.example_gen.sources import spans
from components.example_gen.sources.spans import Span
from components.example_gen.span_pattern import has_specs

if TYPE_CHECKING:
    from components.example_gen.settings import DataSettings
    from pipeline.config import Settings

SPAN_FILES = "span-{SPAN}/*"


def span_source(settings: Settings, folder: str | None = None) -> str:
    """`data.source` as it has to be for the spans in `folder`; without one, for those of the source in force,
    or, where that has no spans, for the workspace's own.
    """
    if folder is not None:
        return FILES_PREFIX + (folder if has_specs(folder) else f"{folder.rstrip('/')}/{SPAN_FILES}")
    return settings.data.source if settings.data.has_spans else SPANS


def span_data(settings: Settings, source: str | None = None) -> DataSettings:
    """The data settings of runs on these spans, `spans` written out as a pattern."""
    data = settings.data.model_copy(update={"source": source or span_source(settings)})
    return settings.model_copy(update={"data": data}).located_data


def list_spans(settings: Settings, source: str | None = None) -> list[Span]:
    """The spans there are, each in its newest version, oldest span first. None is read.

    Raises:
      InputError: see `components.example_gen.sources.spans.find`.
    """
    return spans.newest_versions(spans.find(span_data(settings, source).pattern))
