"""The text in the shown command that asks a model."""

from pathlib import Path

from serving.store.manifest import MANIFEST_NAME, ManifestError, from_json

FILM = "A wonderful film."
OWN = "A text of yours."
_OF_FILMS = (None, "packaged", "tfds")


def example_text(version: str | Path) -> str:
    """A text of the subject that the version in this folder was trained on; OWN for data of the user's.

    FILM where the manifest does not name the source, or cannot be read.
    """
    try:
        facts = from_json(Path(version, MANIFEST_NAME).read_bytes()).facts
    except (OSError, ManifestError):
        return FILM
    source = facts.data.get("settings", {}).get("source")
    return FILM if source in _OF_FILMS else OWN
