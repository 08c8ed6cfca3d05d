"""The location of the version store of the settings' model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.workspace.layout import Workspace

if TYPE_CHECKING:
    from pipeline.config import Settings


def store_root(settings: Settings) -> str:
    """The folder or address of the store: in the workspace, or under `push.serving_root`."""
    default = Workspace.at(settings.workspace).serving(settings.model_name)
    return settings.push.store_for(settings.model_name, default)
