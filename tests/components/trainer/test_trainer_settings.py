import pytest
from pydantic import ValidationError

from components.trainer.settings import TrainerSettings


def test_settings_survive_the_way_through_json():
    settings = TrainerSettings(hidden_units=(8, 4), seed=7)
    assert TrainerSettings.model_validate(settings.model_dump(mode="json")) == settings


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("epochs", 0),
        ("batch_size", 0),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("seed", -1),
        ("monitor", "val_f1"),
        ("hidden_units", (16, 0)),
        ("dropout", 1.0),
        ("label_smoothing", 1.0),
        ("patience", -1),
        ("epoch", 3),
    ],
)
def test_impossible_values_are_refused_by_name(setting, value):
    with pytest.raises(ValidationError, match=setting):
        TrainerSettings(**{setting: value})
