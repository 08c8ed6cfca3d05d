"""The text in the shown command that asks a model."""

from pathlib import Path

from serving.errors import StoreError
from serving.storage.files import join
from serving.storage.resolve import files_for
from serving.store.manifest import MANIFEST_NAME, ManifestError, from_json

FILM = "A wonderful film."
OWN = "A text of yours."
_OF_FILMS = (None, "packaged", "tfds")


def example_text(version: str | Path) -> str:
    """A text of the subject that the version at this place was trained on; OWN for data of the user's.

    FILM where the manifest does not name the source, or cannot be read.
    """
    try:
        facts = from_json(files_for(str(version)).read(join(str(version), MANIFEST_NAME))).facts
    except (OSError, StoreError, ManifestError):
        return FILM
    source = facts.data.get("settings", {}).get("source")
    return FILM if source in _OF_FILMS else OWN
