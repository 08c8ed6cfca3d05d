"""The placeholder artifact for "no model in production"; engines have no optional inputs."""

from tfx.types import Artifact

VERSION = "version"
"""The artifact's custom property with the version's number; "" where there is nothing to compare with."""

PROBLEM = "problem"
"""The artifact's custom property with why the version was not copied, as a clause; absent if it was."""


def is_none(model: Artifact) -> bool:
    """Whether a Model artifact stands for no model."""
    return model.has_custom_property(VERSION) and not model.get_string_custom_property(VERSION)


def problem_of(model: Artifact) -> str | None:
    """Why a Model artifact has no model although a version is in production, as a clause; None if it has."""
    return model.get_string_custom_property(PROBLEM) or None if model.has_custom_property(PROBLEM) else None
