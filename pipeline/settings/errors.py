"""Error messages for invalid settings: key, value, origin and the expected value."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from components.errors import InputError
from pipeline.settings.help import Setting, find, sections, settings_of, show_value

if TYPE_CHECKING:
    from pipeline.settings.layers import Merged


def suggest(model: type[BaseModel], key: str) -> str:
    """A remedy for an unknown key: the likeliest one that was meant, else where to look."""
    keys = list(settings_of(model))
    name = key.rpartition(".")[2]
    same_name = [known for known in keys if known.rpartition(".")[2] == name]
    close = difflib.get_close_matches(key, same_name, n=1, cutoff=0)
    close = close or difflib.get_close_matches(key, [*keys, *sections(model)], n=1, cutoff=0.6)
    if not close:
        by_name = {known.rpartition(".")[2]: known for known in keys}
        close = [by_name[near] for near in difflib.get_close_matches(name, by_name, n=1, cutoff=0.75)]
    return f"Did you mean {close[0]}?" if close else "`greenlight config explain` lists all."


def refuse_unusable(model: type[BaseModel], given: Merged) -> None:
    """Refuses what no setting can use and pydantic may let pass: empty or unprintable text, NaN, infinity.

    Raises:
      InputError: names each key, its value and the remedy.
    """
    problems = []
    for key, value in _values(given.values):
        setting = find(model, key)
        if (reason := _unusable(value)) and not (setting and value == setting.default):
            expected = f"{reason}; {_expected(setting)}" if setting else f"{reason}."
            problems.append((key, f"{_name(key, _shown(value, setting), given)}: {expected}"))
    if problems:
        raise InputError(_join(problems))


def _shown(value: Any, setting: Setting | None) -> Any:
    """The value, but never that of a setting that is a password."""
    return "***" if setting and setting.is_secret else value


def _values(values: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(values, Mapping):
        for name, value in values.items():
            yield from _values(value, f"{key}.{name}" if key else str(name))
    elif isinstance(values, list):
        for value in values:
            yield from _values(value, key)
    else:
        yield key, values


def _unusable(value: Any) -> str | None:
    if isinstance(value, float) and not math.isfinite(value):
        return "not a finite number"
    if isinstance(value, str) and not value.strip():
        return "may not be empty"
    if isinstance(value, str) and ("\0" in value or not _is_unicode(value)):
        return "holds bytes that are not text"
    return None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def describe_errors(model: type[BaseModel], error: ValidationError, given: Merged) -> str:
    """One line a problem: key, value, where it was set, and what is expected instead."""
    problems = _of_one_type(error.errors(include_url=False), given.values)
    return _join([_describe_error(model, problem, given) for problem in problems])


def _of_one_type(problems: list[Any], values: Any) -> list[Any]:
    """The problems without those of the other types of a setting that has several: pydantic names the
    problems of each, and the user made one mistake.

    The type that was meant is probably the one whose problem is deepest inside the value, or breaks its rule.
    """

    def insight(problem: Any) -> tuple[int, bool]:
        return len(_of_given(problem, values)), problem["type"] == "value_error"

    meant: dict[Any, Any] = {}
    for problem in sorted(problems, key=insight, reverse=True):
        if found := _alternative(problem, values):
            meant.setdefault(*found)

    def is_meant(found: tuple[tuple[Any, ...], Any] | None) -> bool:
        return found is None or meant[found[0]] == found[1]

    return [problem for problem in problems if is_meant(_alternative(problem, values))]


def _alternative(problem: Any, values: Any) -> tuple[tuple[Any, ...], Any] | None:
    """Where a setting of several types lies, and pydantic's name of the type that the problem is about; None
    for a setting of one type.
    """
    place = problem["loc"]
    for number, part in enumerate(place):
        if not _is_inside(part, values):
            is_missing = problem["type"] == "missing" and number + 1 == len(place)
            return None if part == "[key]" or is_missing else (place[:number], part)
        values = values[part]
    return None


def _is_inside(part: Any, values: Any) -> bool:
    if isinstance(values, Mapping):
        return part in values
    return isinstance(values, list | tuple) and isinstance(part, int) and part < len(values)


def _describe_error(model: type[BaseModel], problem: Any, given: Merged) -> tuple[str, str]:
    """The key to look up, and the line about it."""
    parts = _of_given(problem, given.values)
    key = _dotted(parts)
    owner = next((found for n in range(len(parts)) if (found := find(model, _dotted(parts[: n + 1])))), None)
    of_the_key = problem["loc"][-1:] == ("[key]",)
    named = f"{key}{_from(key, given)}" if of_the_key else _name(key, _shown(problem["input"], owner), given)
    if owner is None and problem["type"] == "extra_forbidden":
        return _describe_unknown(model, key, problem["input"], given)
    if owner is None and problem["type"] == "model_type":
        example = next(known for known in settings_of(model) if known.startswith(key + "."))
        return example, f"{named}: {key} is a section. Set its keys, such as {example}."
    message = problem["msg"].removeprefix("Value error, ").replace("Input should be", "expected").rstrip(".")
    if owner is None:  # a rule over several keys of a section
        return key, f"{key}{_from(key, given)}: {message}."
    if problem["type"] == "extra_forbidden":
        return owner.key, f"{named}: there is no such key; {_expected(owner)}"
    if owner.key == key and problem["type"] != "value_error":
        return owner.key, f"{named}: {_expected(owner)}"
    return owner.key, f"{named}: {message}; the default of {owner.key} is {owner.default_text}."


def _of_given(problem: Any, values: Any) -> list[Any]:
    """Where the problem lies in what was given: without pydantic's names of alternative types."""
    parts = []
    for number, part in enumerate(problem["loc"], start=1):
        is_missing = problem["type"] == "missing" and number == len(problem["loc"])
        inside = _is_inside(part, values)
        if inside:
            values = values[part]
        if inside or is_missing:
            parts.append(part)
    return parts or list(problem["loc"])


def _describe_unknown(model: type[BaseModel], key: str, value: Any, given: Merged) -> tuple[str, str]:
    leaves = [f"{key}.{name}" if name else key for name, _ in _values(value)] or [key]
    if len(leaves) == 1:
        _, value = next(_values(value), ("", value))
        named = _name(leaves[0], value, given)
        return "", f"{named}: there is no such setting. {suggest(model, leaves[0])}"
    return "", f"{key}{_from(key, given)}: there is no such section. {suggest(model, key)}"


def _dotted(parts: list[Any]) -> str:
    """("a", "b", 0) -> "a.b[0]"."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).removeprefix(".")


def _expected(setting: Setting) -> str:
    return f"expected {setting.kind}; the default is {setting.default_text}."


def _name(key: str, value: Any, given: Merged) -> str:
    return f"{key} = {show_value(value)}{_from(key, given)}"


def _from(key: str, given: Merged) -> str:
    origin = given.origin(key.partition("[")[0])
    return f" (from {origin})" if origin else ""


def _join(problems: list[tuple[str, str]]) -> str:
    if len(problems) == 1:
        key, text = problems[0]
        return f"{text}\n`greenlight config explain {key}` says more." if key else text
    lines = [f"{len(problems)} settings cannot be used:", *(text for _, text in problems)]
    return "\n  ".join(lines) + "\n`greenlight config explain KEY` documents a setting."
