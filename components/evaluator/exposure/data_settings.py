"""The data settings of a model's training run, and their differences from another model's."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tfx.types import Artifact

from components.class_names import DATA_SETTINGS
from components.example_gen.settings import OF_LATER_STAGES, DataSettings

SPANS = "spans"
"""The custom property of an Examples artifact with the spans that were read, as JSON."""

_UNSET = "unset"


def data_of(examples: Sequence[Artifact]) -> dict[str, Any]:
    """`settings` and the numbers of the `spans` of the examples; empty for examples of an older stage."""
    found: dict[str, Any] = {}
    for artifact in examples:
        if settings := artifact.get_string_custom_property(DATA_SETTINGS):
            found["settings"] = json.loads(settings)
        if spans := artifact.get_string_custom_property(SPANS):
            found["spans"] = [span["span"] for span in json.loads(spans)]
    return found


def slice_columns_of(examples: Sequence[Artifact]) -> tuple[str, ...]:
    """The features of the examples with metadata, `data.slice_columns`."""
    return tuple(data_of(examples).get("settings", {}).get("slice_columns") or ())


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """A clause for each setting of what was read that differs, and one for the spans; empty if one side is
    unknown.
    """
    if not before or not now:
        return
    # Settings that an older Greenlight did not have were as they are by default.
    defaults = DataSettings().model_dump(mode="json")
    old, new = defaults | before.get("settings", {}), defaults | now.get("settings", {})
    for name in sorted({*old, *new} - OF_LATER_STAGES):
        if old.get(name) != new.get(name):
            yield f"data.{name} changed from {_shown(old.get(name))} to {_shown(new.get(name))}"
    if before.get("spans") != now.get("spans"):
        yield f"the spans changed: {_ranges(before.get('spans'))} before, {_ranges(now.get('spans'))} now"


def _shown(value: Any) -> str:
    return _UNSET if value is None else json.dumps(value, ensure_ascii=False)


def _ranges(numbers: Sequence[int] | None) -> str:
    """1 to 3, 5 for [1, 2, 3, 5]."""
    if not numbers:
        return "none"
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(f"{first}" if first == last else f"{first} to {last}" for first, last in runs)
