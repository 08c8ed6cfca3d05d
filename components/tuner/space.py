"""The search space: training settings as KerasTuner hyperparameters, and back."""

import json
from collections.abc import Mapping
from typing import Any

import keras_tuner

from components.trainer.settings import TrainerSettings
from components.tuner.settings import TuneSettings

TUNED = ("learning_rate", "batch_size", "dropout", "hidden_units", "label_smoothing")
"""The training settings that can be searched; the ones that a single preparation of the examples serves."""

_AS_TEXT = {"hidden_units"}  # KerasTuner does not support lists


def space(tune: TuneSettings, trainer: TrainerSettings) -> keras_tuner.HyperParameters:
    """A choice for each setting with values to try; the default is what `trainer` has, which is tried too."""
    found = keras_tuner.HyperParameters()
    for name in TUNED:
        if values := getattr(tune, name):
            own = getattr(trainer, name)
            choices = [_encoded(name, value) for value in dict.fromkeys((*values, own))]
            found.Choice(name, choices, default=_encoded(name, own))
    return found


def applied(values: Mapping[str, Any], trainer: TrainerSettings) -> TrainerSettings:
    """`trainer` with a trial's values."""
    changes = {name: json.loads(value) if name in _AS_TEXT else value for name, value in values.items()}
    return TrainerSettings.model_validate({**trainer.model_dump(), **changes})


def _encoded(name: str, value: Any) -> Any:
    return json.dumps(value) if name in _AS_TEXT else value
