import pytest
from pydantic import ValidationError

from components.example_gen.settings import DataSettings


@pytest.mark.parametrize(
    ("source", "kind", "pattern"),
    [
        ("packaged", "packaged", ""),
        ("tfds", "tfds", ""),
        ("files:reviews/*.csv", "files", "reviews/*.csv"),
        ("files:gs://bucket/a.csv", "files", "gs://bucket/a.csv"),
    ],
)
def test_a_source_is_one_of_three(source, kind, pattern):
    settings = DataSettings(source=source)
    assert (settings.kind, settings.pattern) == (kind, pattern)


@pytest.mark.parametrize("source", ["", "files:", "files:  ", "imdb", "Packaged"])
def test_other_sources_are_refused_with_an_example(source):
    with pytest.raises(ValidationError, match=r"for example files:data/\*\.csv"):
        DataSettings(source=source)


@pytest.mark.parametrize(
    ("settings", "stage"),
    [
        ({}, "ImdbExampleGen"),
        ({"source": "tfds"}, "ImdbExampleGen"),
        ({"source": "spans", "with_base": True}, "ImdbExampleGen"),
        ({"source": "spans"}, "TextExampleGen"),
        ({"source": "files:a.csv"}, "TextExampleGen"),
    ],
)
def test_the_first_stage_is_named_for_imdb_only_where_the_data_is(settings, stage):
    assert DataSettings(**settings).stage_name == stage


def test_a_split_without_weight_does_not_exist():
    assert DataSettings().split_names == ("train", "eval", "test")
    assert DataSettings(test_weight=0).split_names == ("train", "eval")


@pytest.mark.parametrize(
    "values",
    [{"train_weight": 0}, {"eval_weight": 0}, {"test_weight": -1}, {"max_bad_share": 1.5}, {"limit": 0}],
)
def test_impossible_numbers_are_refused(values):
    with pytest.raises(ValidationError, match=next(iter(values))):
        DataSettings(**values)


def test_text_and_label_are_two_columns():
    with pytest.raises(ValidationError, match="both 'text'; name two columns"):
        DataSettings(label_column="text")


def test_every_setting_explains_itself():
    assert all(field.description for field in DataSettings.model_fields.values())
