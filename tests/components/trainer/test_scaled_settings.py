"""The settings of a fit to few reviews: smaller steps, rarer n-grams."""

import pytest

from components.trainer.settings import TrainerSettings

DEFAULT = TrainerSettings()


@pytest.mark.parametrize(
    ("reviews", "batch_size", "min_count"),
    [
        (15_000, 512, 3),
        (12_800, 512, 3),
        (12_799, 511, 3),
        (7_501, 300, 3),
        (7_500, 300, 2),
        (2_501, 100, 2),
        (2_500, 100, 1),
        (375, 15, 1),
        (200, 8, 1),
        (10, 8, 1),
    ],
)
def test_few_reviews_lower_steps_and_counts(reviews, batch_size, min_count):
    scaled = DEFAULT.scaled(examples=reviews)

    assert (scaled.batch_size, scaled.ngram_min_count) == (batch_size, min_count)
    assert scaled.model_copy(update={"batch_size": 512, "ngram_min_count": 3}) == DEFAULT


def test_no_value_is_raised():
    settings = TrainerSettings(batch_size=4, ngram_min_count=1)

    for reviews in (10, 375, 5_000, 15_000):
        assert settings.scaled(examples=reviews) == settings


def test_scaling_can_be_turned_off():
    settings = TrainerSettings(scale_with_examples=False)

    assert settings.scaled(examples=10) == settings
