"""The files and folders that the settings name, for checks before they are opened on another machine.

Light imports only.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from components.embeddings import catalog
from pipeline.settings import alerts

if TYPE_CHECKING:
    from components.example_gen.settings import DataSettings
    from pipeline.config import Settings


def of_stages(settings: Settings, data: DataSettings) -> Iterator[tuple[str, str]]:
    """The settings with a file or folder that a stage opens: key and value.

    Args:
      data: `settings.data`, or `settings.located_data` where the spans of the workspace count as files.

    Raises:
      InputError: `embedding.name` is one word that is not known.
    """
    if data.kind == "files":
        yield "data.source", data.pattern
    if settings.data.tfds_data_dir is not None:
        yield "data.tfds_data_dir", settings.data.tfds_data_dir
    embedding = settings.embedding.name
    # The folder need not be on this machine. One word can be a folder of it, or a name that is not known.
    if catalog.is_path(embedding) or catalog.find(embedding).kind == "folder":
        yield "embedding.name", embedding
    for key in ("signing_key", "public_key"):
        if (path := getattr(settings.push, key)) is not None:
            yield f"push.{key}", str(path)


def of_a_command(settings: Settings) -> Iterator[tuple[str, str]]:
    """Those of a command that runs the stages itself, with a workspace of its own."""
    yield from of_stages(settings, settings.data)
    others = {
        "trainer.module": settings.trainer.module,
        "push.serving_root": settings.push.serving_root,
        "metadata.password_file": settings.metadata.password_file,
        "beam.flink_job_server_jar": settings.beam.flink_job_server_jar,
        "beam.spark_job_server_jar": settings.beam.spark_job_server_jar,
        "alerts.webhook": alerts.from_file(settings.alerts.webhook),
        "alerts.slack": alerts.from_file(settings.alerts.slack),
    }
    for key, value in others.items():
        if value is not None:
            yield key, str(value)


def is_found_from_anywhere(path: str) -> bool:
    """Whether the path, or that of a setting file:PATH, does not depend on the current folder."""
    return "://" in path or PurePosixPath(path.removeprefix(alerts.FROM_FILE)).is_absolute()
