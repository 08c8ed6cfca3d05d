"""The location of the version store of the settings' model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from components.errors import GreenlightError
from pipeline.workspace.layout import Workspace

if TYPE_CHECKING:
    from pipeline.config import Settings
    from serving.store.records import Version


def store_root(settings: Settings) -> str:
    """The folder or address of the store: in the workspace, or under `push.serving_root`."""
    default = Workspace.at(settings.workspace).serving(settings.model_name)
    return settings.push.store_for(settings.model_name, default)


@contextmanager
def folder_of(version: Version, settings: Settings) -> Iterator[str]:
    """The verified folder of a version; of a store in a bucket, of a copy that ends with the block.

    Raises:
      GreenlightError: it cannot be fetched, or does not match its manifest.
    """
    from components.store_errors import as_greenlight_errors
    from serving.store.signing import verifier_of
    from serving.versions import VersionStore

    verifier = verifier_of(settings.push.public_key)
    with (
        as_greenlight_errors(),
        VersionStore(store_root(settings), verifier=verifier).fetched(version.number) as (folder, problems),
    ):
        if problems:
            remedy = " Roll it back." if version.state == "live" else ""
            raise GreenlightError(
                f"Version {version.number} does not match its manifest and was not loaded: "
                f"{problems[0]}.{remedy}"
            )
        yield str(folder)
