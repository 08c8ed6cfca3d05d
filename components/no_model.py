"""The placeholder artifact for "no model in production"; engines have no optional inputs."""

from tfx.types import Artifact

VERSION = "version"
"""The artifact's custom property with the version's number; "" where there is nothing to compare with."""


def is_none(model: Artifact) -> bool:
    """Whether a Model artifact stands for no model."""
    return model.has_custom_property(VERSION) and not model.get_string_custom_property(VERSION)
