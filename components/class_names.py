"""The names of the classes, as the settings of the examples have them."""

import json
from collections.abc import Sequence

from tfx.types import Artifact

from components.reviews import CLASSES

DATA_SETTINGS = "data_settings"
"""The custom property of an Examples artifact with its DataSettings as JSON."""

Names = tuple[str, ...]
"""Two or more, in the order of the labels 0, 1, ...; of two, the positive class is the last."""


def names_in(examples: Sequence[Artifact] | None) -> Names:
    """The names that the examples were made with; negative and positive where `data.classes` is not set."""
    for artifact in examples or ():
        settings = json.loads(artifact.get_string_custom_property(DATA_SETTINGS) or "{}")
        if classes := settings.get("classes"):
            return tuple(classes)
    return CLASSES
