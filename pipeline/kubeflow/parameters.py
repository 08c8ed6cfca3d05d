"""Run-time parameters: settings that a compiled pipeline accepts for each run.

Parameters of Kubeflow are plain values; our stages take validated settings as JSON. Therefore a stage with
parameters also gets its compiled settings; `pipeline/kubeflow/step.py` overlays the parameters in the pod.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from components.errors import InputError
from components.example_gen.settings import STAGE_NAMES
from pipeline.settings import layers as config_layers

if TYPE_CHECKING:
    from pipeline.config import Settings

INTEGER, NUMBER, TEXT = "NUMBER_INTEGER", "NUMBER_DOUBLE", "STRING"

SETTINGS_OF: Mapping[str, Any] = {
    **{name: {"data"} for name in STAGE_NAMES},
    "DataCheck": {"check", "embedding"},
    "Trainer": {
        "cache_dir": True,
        "embedding": True,
        "trainer": True,
        "data": {"test_weight"},  # says whether the gate judges on eval, where nothing may be refit
    },
    "Evaluator": {"data", "gate"},
}
"""The settings of each stage with parameters, as pydantic's `include`. More of them would only enlarge its
cache key.
"""


@dataclasses.dataclass(frozen=True)
class Parameter:
    """A parameter: its setting, the name of its type in Kubeflow, and the stages that depend on it."""

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
    Parameter("source", "data.source", TEXT, (*STAGE_NAMES, "Evaluator")),  # it judges spans separately
    Parameter("embedding", "embedding.name", TEXT, ("DataCheck", "Trainer")),  # it depends on the language
)


def of(settings: Settings) -> list[Parameter]:
    """The compiled parameters: requested, and not "off", which is not a number.

    A model of the user's own (`trainer.module`) has no embedding to choose.
    """
    wanted = set(settings.kubeflow.parameters) - ({"embedding"} if settings.trainer.module else set())
    absent = set(STAGE_NAMES) - {settings.data.stage_name}
    return [
        dataclasses.replace(parameter, stages=tuple(s for s in parameter.stages if s not in absent))
        for parameter in ALL
        if parameter.name in wanted and parameter.value_in(settings) is not None
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
    """The number; the text itself if it is not one, for which `laid_over` raises the error."""
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() else number


def to_json(settings: Settings, *, stage: str) -> str:
    """The settings of a stage as JSON."""
    return settings.model_dump_json(include=SETTINGS_OF[stage])


def laid_over(settings: Settings, given: Mapping[str, Any]) -> Settings:
    """`settings` overlaid with the values of parameters; the same object if nothing changes.

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
