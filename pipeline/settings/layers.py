"""Layers of settings before validation: defaults, presets, files, environment and flags, with origins."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Set
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from components.errors import InputError
from pipeline.settings import help as config_help
from serving.machine.named_file import text_of

UNSET = "none"
VARIABLE_PREFIX = "GREENLIGHT_"
"""Variables of this prefix with `__` between section and key are settings: GREENLIGHT_GATE__MIN_ACCURACY."""


@dataclasses.dataclass(frozen=True)
class Layer:
    """Nested settings and where they come from ("my.toml", "--set").

    key: of a layer that sets one dotted key, that key. Of a table such as `data.labels` it adds the entry
      `data.labels.3`; other layers replace the whole table.
    """

    origin: str
    values: Mapping[str, Any]
    key: str = ""


@dataclasses.dataclass(frozen=True)
class Merged:
    """Nested settings of all layers; `origins` has the layer of every dotted key in them."""

    values: Mapping[str, Any]
    origins: Mapping[str, str]

    def origin(self, key: str) -> str | None:
        """Where `key` was set: itself, the key that it is a part of, or the first part of it."""
        while key:
            for known, origin in self.origins.items():
                if known == key or known.startswith(key + "."):
                    return origin
            key = key.rpartition(".")[0]
        return None


def merge(layers: Iterable[Layer], *, model: type[BaseModel]) -> Merged:
    """Later layers win, key by key; a table that is one setting, such as `data.labels`, is one key.

    Args:
      layers: the lowest first.
      model: tells which keys are settings and which are sections.
    """
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for layer in map(_with_current_keys, layers):
        whole = [key for key in config_help.settings_of(model) if not layer.key.startswith(f"{key}.")]
        replaced = _lay_over(values, layer.values, whole=frozenset(whole))
        for table in replaced:
            origins = {key: of for key, of in origins.items() if not f"{key}.".startswith(f"{table}.")}
        origins |= {key: layer.origin for key in _leaves(layer.values)}
    return Merged(values, origins)


def _with_current_keys(layer: Layer) -> Layer:
    """The layer with the current keys of settings that it sets by their former ones.

    Raises:
      InputError: it sets one by both.
    """
    former = [key for key in _leaves(layer.values) if key in config_help.FORMER_KEYS]
    for key in former:
        section, _, old = key.rpartition(".")
        current = config_help.current_key(key)
        table, name = dict(layer.values[section]), current.rpartition(".")[2]
        if name in table:
            message = f"{layer.origin}: {key} is the former name of {current}. Keep only {current}."
            raise InputError(message)
        table[name] = table.pop(old)
        layer = Layer(layer.origin, {**layer.values, section: table}, config_help.current_key(layer.key))
    return layer


def _lay_over(
    values: dict[str, Any], upper: Mapping[str, Any], *, whole: Set[str], prefix: str = ""
) -> list[str]:
    """Lays `upper` over `values`; returns the keys of the tables that it replaced.

    whole: keys of which the value below is replaced, and not merged with.
    """
    replaced = []
    for key, value in upper.items():
        dotted = prefix + key
        if not isinstance(value, Mapping):
            values[key] = value
        elif dotted in whole:
            values[key] = dict(value)
            replaced.append(dotted)
        else:
            below = values.get(key)
            values[key] = dict(below) if isinstance(below, Mapping) else {}
            replaced += _lay_over(values[key], value, whole=whole, prefix=f"{dotted}.")
    return replaced


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def with_origins(toml: str, given: Merged) -> str:
    """The TOML text of settings with a comment behind each key that a layer has set: the layer's origin.

    Args:
      toml: tables as `[a.b]`, one key a line or several lines for a long list, as tomli_w writes them.
    """
    lines, section = [], ""
    for line in toml.splitlines():
        if table := re.fullmatch(r"\[([\w.-]+)\]", line):
            section = table[1] + "."
        elif (key := re.match(r"([\w-]+) = ", line)) and (origin := given.origins.get(section + key[1])):
            line = f"{line}  # {origin}"
        lines.append(line)
    return "".join(f"{line}\n" for line in lines)


def at_key(key: str, value: Any, *, origin: str) -> Layer:
    """The layer that sets one dotted key."""
    for part in reversed(key.split(".")):
        value = {part: value}
    return Layer(origin, value, key)


def read_file(path: Path) -> Layer:
    """The layer of a TOML file.

    Raises:
      InputError: it is missing, unreadable or no valid TOML; names the file and the line.
    """
    try:
        text = text_of(path, encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(
            f"The settings file {path} does not exist. Check its name; `greenlight config show > FILE` "
            "writes one."
        ) from None
    except UnicodeDecodeError as error:
        message = f"The settings file {path} is not UTF-8 text (byte {error.start}). Save it as UTF-8."
        raise InputError(message) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        message = f"The settings file {path} cannot be read: {reason}. Name another with --config."
        raise InputError(message) from None
    try:
        return Layer(str(path), tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise InputError(_describe_syntax_error(path, text, str(error))) from None


def _describe_syntax_error(path: Path, text: str, message: str) -> str:
    """tomllib ends its messages with the place: "(at line 3, column 5)" or "(at end of document)"."""
    reason, _, place = message.rstrip(")").rpartition(" (at ")
    lines = text.rstrip().split("\n")
    found = re.match(r"line (\d+)", place)
    number = int(found[1]) if found else len(lines)
    line = lines[number - 1].strip() if number <= len(lines) else ""
    return (
        f"The settings file {path} is not valid TOML, line {number}: {reason or message}\n  {line}\n"
        "Fix it: text needs quotes, true and false are lower-case, and a key may occur only once."
    )


def read_assignment(text: str, *, model: type[BaseModel]) -> Layer:
    """The layer of one `KEY=VALUE`. VALUE is read as TOML, or as it stands where that fails or the
    setting is text; `none` unsets a setting that may be unset.

    Raises:
      InputError: it has no key or no equals sign.
    """
    key, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not all(key.split(".")):
        raise InputError(f"--set {text!r} is not KEY=VALUE. Write it like --set trainer.epochs=10.")
    return at_key(key, _read_value(value, config_help.find(model, key)), origin="--set")


def is_setting(variable: str, model: type[BaseModel]) -> bool:
    """Whether an environment variable stands for a setting.

    Without `__` only the keys outside sections do: Kubernetes adds variables such as GREENLIGHT_SERVICE_HOST
    for a service of this name, which are not settings.
    """
    if not variable.startswith(VARIABLE_PREFIX):
        return False
    return "__" in variable or config_help.find(model, _key_of(variable)) is not None


def read_environment(environment: Mapping[str, str], *, model: type[BaseModel]) -> list[Layer]:
    """A layer for each variable that stands for a setting; values are read as those of `--set`.

    Raises:
      InputError: a variable has one underscore between section and key; it would be passed over.
    """
    _refuse_single_underscores(environment, model)
    layers = []
    for variable in sorted(name for name in environment if is_setting(name, model)):
        key = _key_of(variable)
        value = _read_value(environment[variable].strip(), config_help.find(model, key))
        layers.append(at_key(key, value, origin=variable))
    return layers


def _refuse_single_underscores(environment: Mapping[str, str], model: type[BaseModel]) -> None:
    """GREENLIGHT_GATE_MIN_ACCURACY is not a setting, and whoever wrote it believes that it is."""
    meant = {
        VARIABLE_PREFIX + key.replace(".", "_").upper(): VARIABLE_PREFIX + key.replace(".", "__").upper()
        for key in config_help.settings_of(model)
        if "." in key
    }
    for variable in sorted(meant.keys() & environment.keys()):
        if f"{variable.removesuffix('_PORT')}_SERVICE_HOST" in environment:
            continue  # of Kubernetes, which sets NAME_PORT and NAME_SERVICE_HOST for a Service of that name
        raise InputError(
            f"The environment variable {variable} is not a setting. Did you mean {meant[variable]}? Two "
            "underscores stand between section and key."
        )


def _key_of(variable: str) -> str:
    return ".".join(variable.removeprefix(VARIABLE_PREFIX).lower().split("__"))


def _read_value(text: str, setting: config_help.Setting | None) -> Any:
    if setting and setting.may_be_unset and text == UNSET:
        return None
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    if set(parsed) != {"value"}:  # the text held a line break and further keys
        return text
    value = parsed["value"]
    return text if setting and setting.is_text and not isinstance(value, str) else value
