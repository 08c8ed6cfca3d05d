"""The provenance of a result: installed versions, and every setting beside its default."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from components.packages import version_of

if TYPE_CHECKING:
    from pydantic import BaseModel

PACKAGES = (
    "tfx",
    "tensorflow",
    "tf_keras",
    "tensorflow-hub",
    "tensorflow-model-analysis",
    "tensorflow-data-validation",
    "tfx-bsl",
    "ml-metadata",
    "apache-beam",
    "protobuf",
    "numpy",
    "pandas",
    "pyarrow",
    "scikit-learn",
)


def versions() -> dict[str, str]:
    """Python, the platform and the installed packages that a result may depend on."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for package in PACKAGES:
        if version := version_of(package):  # the two TFX generations install different packages
            found[package] = version
    return found


def flat_settings(settings: BaseModel) -> dict[str, list[dict[str, Any]]]:
    """Section -> rows of key, value, default and whether they differ; "" has the settings without one."""
    values, defaults = (_flatten(s.model_dump(mode="json")) for s in (settings, type(settings)()))
    sections: dict[str, list[dict[str, Any]]] = {"": []}
    for key, value in values.items():
        section = key.partition(".")[0] if "." in key else ""
        default = defaults.get(key)
        row = {"key": key, "value": _plain(value), "default": _plain(default), "changed": value != default}
        sections.setdefault(section, []).append(row)
    return sections


def _flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def _plain(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) or "–" if isinstance(value, list) else str(value)
