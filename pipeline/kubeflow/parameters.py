"""Run-time parameters: settings that a compiled pipeline accepts for each run.

Kubeflow knows plain values; our stages take whole settings, checked, as JSON. So a stage with parameters also
gets the settings it was compiled from; `pipeline/kubeflow/step.py` lays the parameters over them in the pod.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from components.errors import InputError
from pipeline.settings import layers as config_layers

if TYPE_CHECKING:
    from pipeline.config import Settings

INTEGER, NUMBER, TEXT = "NUMBER_INTEGER", "NUMBER_DOUBLE", "STRING"

SETTINGS_OF: Mapping[str, set[str]] = {
    "ImdbExampleGen": {"data"},
    "DataCheck": {"check", "embedding"},
    "Trainer": {"cache_dir", "embedding", "trainer"},
    "Evaluator": {"data", "gate"},
}
"""What the stages with parameters are made from. More would be in their cache keys for nothing."""


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One of them: its setting, Kubeflow's name of its type, and the stages that are made from it."""

    name: str
    key: str
    kind: str
    stages: tuple[str, ...]

    def value_in(self, settings: Settings) -> Any:
        section, name = self.key.split(".")
        return getattr(getattr(settings, section), name)


ALL = (
    Parameter("min_accuracy", "gate.min_accuracy", NUMBER, ("Evaluator",)),
    Parameter("epochs", "trainer.epochs", INTEGER, ("Trainer",)),
    Parameter("source", "data.source", TEXT, ("ImdbExampleGen", "Evaluator")),  # it judges spans apart
    Parameter("embedding", "embedding.name", TEXT, ("DataCheck", "Trainer")),  # it has to know the language
)


def of(settings: Settings) -> list[Parameter]:
    """Those that are compiled: asked for, and not "off", which is not a number."""
    return [
        parameter
        for parameter in ALL
        if parameter.name in settings.kubeflow.parameters and parameter.value_in(settings) is not None
    ]


def read(settings: Settings, given: Sequence[str]) -> dict[str, Any]:
    """The values of `NAME=VALUE` texts by name, as Kubeflow takes them.

    Raises:
      InputError: one is not a parameter of the compiled pipeline, or its value cannot be used.
    """
    from pipeline.kubeflow import checks

    known = {parameter.name: parameter for parameter in of(settings)}
    values: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or name not in known:
            names = ", ".join(known) or "none"
            raise InputError(
                f"--param {text}: expected NAME=VALUE with one of kubeflow.parameters for a name: {names}."
            )
        if name in values:
            raise InputError(f"--param {text}: {name} is given twice. Give it once.")
        values[name] = value if known[name].kind == TEXT else _number(value)
    changed = laid_over(settings, values)
    for name in values:
        if known[name].value_in(changed) is None:
            raise InputError(
                f"--param {name}={values[name]}: a parameter must be a number. To run without, "
                f"set {known[name].key} and compile."
            )
    checks.require_paths_of_a_pod(changed)
    return values


def _number(text: str) -> Any:
    """The number; or the text, for which `laid_over` raises the error."""
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() else number


def to_json(settings: Settings, *, stage: str) -> str:
    """The settings that travel with a stage."""
    return settings.model_dump_json(include=SETTINGS_OF[stage])


def laid_over(settings: Settings, given: Mapping[str, Any]) -> Settings:
    """`settings` with the parameters' values in them; the same object where they change nothing.

    Args:
      given: values by parameter name; JSON has no whole numbers, so 40.0 may stand for 40.

    Raises:
      InputError: a value cannot be used.
    """
    from pipeline.config import Settings, parse

    known = {parameter.name: parameter for parameter in ALL}
    changed = {
        known[name]: _whole(value) if known[name].kind == INTEGER else value
        for name, value in given.items()
        if value != known[name].value_in(settings)
    }
    if not changed:
        return settings
    base = config_layers.Layer("the compiled pipeline", settings.model_dump(mode="json"))
    layers = [
        config_layers.at_key(parameter.key, value, origin=f"the run's parameter {parameter.name}")
        for parameter, value in changed.items()
    ]
    return parse(config_layers.merge([base, *layers], model=Settings))


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value
