"""The help for settings: type, bounds, default and purpose, from the settings models."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import re
import shlex
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from components.trainer.settings import FORMER_NAMES

OFF = "off"
_NAMES = {"integer": "a whole number", "number": "a number", "boolean": "true or false", "string": "text"}
_BOUNDS = {
    "minimum": "of at least",
    "exclusiveMinimum": "above",
    "maximum": "of at most",
    "exclusiveMaximum": "below",
}


JsonSchema = Mapping[str, Any]
FORMER_KEYS = {f"trainer.{old}": f"trainer.{new}" for new, old in FORMER_NAMES.items()}
"""Keys that settings once had, which layers still accept, and their keys now."""


@dataclasses.dataclass(frozen=True)
class Setting:
    """One documented key. `default` is in TOML's types; None where the key is unset by default."""

    key: str
    kind: str
    default: Any
    description: str
    is_text: bool
    may_be_unset: bool
    is_secret: bool

    @property
    def section(self) -> str:
        return self.key.rpartition(".")[0]

    @property
    def default_text(self) -> str:
        return "unset" if self.default is None else show_value(self.default)


def current_key(key: str) -> str:
    """The key that a setting has now, of one that may be its former key."""
    return FORMER_KEYS.get(key, key)


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
            is_secret=any(each.get("format") == "password" for each in alternatives),
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
    if "const" in schema:
        return json.dumps(schema["const"])
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
    return settings_of(model).get(current_key(key))


def sections(model: type[BaseModel]) -> list[str]:
    return list(dict.fromkeys(setting.section for setting in settings_of(model).values() if setting.section))


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


def explain(setting: Setting) -> str:
    """The page about one key: purpose, kind, default, and the two ways to set it."""
    section, _, name = setting.key.rpartition(".")
    value = "..." if setting.default is None else setting.default_text
    bare = setting.default if isinstance(setting.default, str) else value
    rows = [
        ("is", setting.kind),
        ("default", setting.default_text),
        ("once", f"--set {shlex.quote(f'{setting.key}={bare}')}"),
        ("in a file", f"[{section}]" if section else f"{name} = {value}"),
        ("", f"{name} = {value}" if section else ""),
        ("unset it", f"--set {setting.key}=none" if setting.may_be_unset else ""),
    ]
    purpose = textwrap.wrap(setting.description, 88)
    lines = [setting.key, *purpose, "", *(f"{label:<11}{text}" for label, text in rows if text)]
    return "\n".join([lines[0], *(f"  {line}".rstrip() for line in lines[1:])])


def explain_all(settings: Iterable[Setting]) -> str:
    """A line a key, by section: its default and the first sentence of its description."""
    lines, section = [], ""
    for setting in settings:
        if setting.section != section:
            section = setting.section
            lines += ["", f"[{section}]"]
        purpose = re.split(r"(?<=\.)\s", setting.description)[0]
        lines.append(f"  {setting.key:<29} {setting.default_text:<18} {purpose}")
    return "\n".join(lines).lstrip("\n")
