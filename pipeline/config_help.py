"""What a setting is, in words: for `greenlight config explain` and for the errors about it."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import json
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from components.errors import InputError

if TYPE_CHECKING:
    from pipeline.config_layers import Merged

OFF = "off"
_NAMES = {"integer": "a whole number", "number": "a number", "boolean": "true or false", "string": "text"}
_BOUNDS = {
    "minimum": "of at least",
    "exclusiveMinimum": "above",
    "maximum": "of at most",
    "exclusiveMaximum": "below",
}


JsonSchema = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Setting:
    """One documented key. `default` is in TOML's types; None where the key is unset by default."""

    key: str
    kind: str
    default: Any
    description: str
    is_text: bool
    may_be_unset: bool

    @property
    def section(self) -> str:
        return self.key.rpartition(".")[0]

    @property
    def default_text(self) -> str:
        return "unset" if self.default is None else show_value(self.default)


@functools.cache
def settings_of(model: type[BaseModel]) -> Mapping[str, Setting]:
    """Every key of `model` by its dotted name, in the order of declaration; sub-models are sections."""
    schema = model.model_json_schema()
    defaults = model().model_dump(mode="json")
    definitions = schema.get("$defs", {})
    return {setting.key: setting for setting in _walk(model, schema, definitions, defaults, prefix="")}


def _walk(
    model: type[BaseModel],
    schema: JsonSchema,
    definitions: JsonSchema,
    defaults: Mapping[str, Any],
    *,
    prefix: str,
) -> Iterator[Setting]:
    for name, field in model.model_fields.items():
        kind, below = field.annotation, f"{prefix}{name}."
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _walk(kind, definitions[kind.__name__], definitions, defaults[name], prefix=below)
            continue
        described = schema["properties"][name]
        alternatives = described.get("anyOf", [described])
        can_be_off = {"type": "null"} in alternatives and _can_be_off(field)
        yield Setting(
            key=prefix + name,
            kind=_describe_alternatives(alternatives, definitions, can_be_off=can_be_off),
            default=defaults[name],
            description=field.description or "",
            is_text=all(each.get("type") in ("string", "null") for each in alternatives),
            may_be_unset=not can_be_off and {"type": "null"} in alternatives,
        )


def _can_be_off(field: FieldInfo) -> bool:
    """Whether the word "off" stands for None in this field."""
    try:
        return TypeAdapter(field.rebuild_annotation()).validate_python(OFF) is None
    except ValidationError:
        return False


def _describe_alternatives(
    alternatives: list[JsonSchema], definitions: JsonSchema, *, can_be_off: bool
) -> str:
    words = [_describe_kind(each, definitions) for each in alternatives if each.get("type") != "null"]
    if len(words) < len(alternatives):
        words.append(f'"{OFF}"' if can_be_off else "unset")
    return ", or ".join(words)


def _describe_kind(schema: JsonSchema, definitions: JsonSchema) -> str:
    if "$ref" in schema:
        return f"a table with {', '.join(definitions[schema['$ref'].rpartition('/')[2]]['properties'])}"
    if "enum" in schema:
        return "one of " + ", ".join(json.dumps(choice) for choice in schema["enum"])
    if schema.get("format") == "path":
        return "a path"
    if schema.get("type") == "array":
        return f"a list, each entry {_describe_kind(schema.get('items', {}), definitions)}"
    if schema.get("type") == "object":
        values = [*schema.get("patternProperties", {}).values(), schema.get("additionalProperties")]
        value = next(each for each in values if isinstance(each, Mapping))
        return f"a table, each value {_describe_kind(value, definitions)}"
    return " ".join(filter(None, [_NAMES.get(schema.get("type", ""), "a value"), *_describe_bounds(schema)]))


def _describe_bounds(schema: JsonSchema) -> Iterator[str]:
    if "minimum" in schema and "maximum" in schema:
        yield f"from {schema['minimum']} to {schema['maximum']}"
    else:
        yield " and ".join(f"{word} {schema[name]}" for name, word in _BOUNDS.items() if name in schema)
    if schema.get("minLength"):
        yield "that is not empty"
    if "pattern" in schema:
        yield f"of the form {schema['pattern']}"


def find(model: type[BaseModel], key: str) -> Setting | None:
    return settings_of(model).get(key)


def sections(model: type[BaseModel]) -> list[str]:
    return list(dict.fromkeys(setting.section for setting in settings_of(model).values() if setting.section))


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


def show_value(value: Any) -> str:
    """`value` as TOML writes it, cut to a line."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        items = ", ".join(f"{key} = {show_value(item)}" for key, item in value.items())
        text = f"{{ {items} }}" if items else "{}"
    else:
        text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else text[:79] + "…"


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
            problems.append((key, f"{_name(key, value, given)}: {expected}"))
    if problems:
        raise InputError(_join(problems))


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
        return "holds bytes that are no text"
    return None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def describe_errors(model: type[BaseModel], error: ValidationError, given: Merged) -> str:
    """One line a problem: key, value, where it was set, and what is expected instead."""
    problems = error.errors(include_url=False)
    return _join([_describe_error(model, problem, given) for problem in problems])


def _describe_error(model: type[BaseModel], problem: Any, given: Merged) -> tuple[str, str]:
    """The key to look up, and the line about it."""
    parts = [part for part in problem["loc"] if part != "[key]"]
    key = _dotted(parts)
    owner = next((found for n in range(len(parts)) if (found := find(model, _dotted(parts[: n + 1])))), None)
    named = _name(key, problem["input"], given)
    if owner is None and problem["type"] == "extra_forbidden":
        return _describe_unknown(model, key, problem["input"], given)
    if owner is None and problem["type"] == "model_type":
        example = next(known for known in settings_of(model) if known.startswith(key + "."))
        return example, f"{named}: {key} is a section. Set its keys, such as {example}."
    message = problem["msg"].removeprefix("Value error, ").replace("Input should be", "expected").rstrip(".")
    if owner is None:  # a rule over several keys of a section
        return key, f"{key}{_from(key, given)}: {message}."
    if owner.key == key and problem["type"] != "value_error":
        return owner.key, f"{named}: {_expected(owner)}"
    return owner.key, f"{named}: {message}; the default of {owner.key} is {owner.default_text}."


def _describe_unknown(model: type[BaseModel], key: str, value: Any, given: Merged) -> tuple[str, str]:
    leaves = [f"{key}.{name}" if name else key for name, _ in _values(value)] or [key]
    if len(leaves) == 1:
        _, value = next(_values(value), ("", value))
        named = _name(leaves[0], value, given)
        return "KEY", f"{named}: there is no such setting. {suggest(model, leaves[0])}"
    return "KEY", f"{key}{_from(key, given)}: there is no such section. {suggest(model, key)}"


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
        return f"{text}\n`greenlight config explain {key if key != 'KEY' else ''}".rstrip() + "` says more."
    lines = [f"{len(problems)} settings cannot be used:", *(text for _, text in problems)]
    return "\n  ".join(lines) + "\n`greenlight config explain KEY` documents a setting."
