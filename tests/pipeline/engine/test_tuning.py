"""`greenlight tune`: what it refuses, what it says, and one real, small search that is resumed and used."""

import json
import tomllib

import pytest
from processes import with_set
from small_run import SMALL_RUN

from components.example_gen.reading import Reading
from pipeline import config
from pipeline.engine.tuning import TuneResult

SMALL = (*SMALL_RUN, "trainer.epochs=2", "tune.batch_size=[32]", "tune.learning_rate=[0.001, 0.01]")


@pytest.mark.proof
def test_a_search_is_resumed_and_its_file_is_taken(greenlight, fits_made, tmp_path):
    small = ["--json", *with_set(*SMALL)]
    first = greenlight("tune", *small, *with_set("tune.trials=2"))
    assert first.exit_code == 0, first.output
    assert len(fits_made) == 2 and fits_made[0] == config.load(assignments=SMALL).trainer

    second = greenlight("tune", *small, *with_set("tune.trials=3"), "--output", "best.toml")
    assert second.exit_code == 0, second.output
    assert len(fits_made) == 3, "the larger budget begins where the smaller one ended"
    result = json.loads(second.stdout)
    scores = [trial["score"] for trial in result["trials"]]
    assert len(scores) == 3 and scores == sorted(scores)
    assert result["before"]["batch_size"] == 64
    assert result["data"]["rows"] == result["data"]["used"] + result["data"]["beyond_limit"] == 25_000

    written = tomllib.loads((tmp_path / "best.toml").read_text())
    assert set(written) == {"data", "embedding", "trainer", "tune"}, "what was given, and no default"
    settings = config.load(file=tmp_path / "best.toml")
    assert settings.trainer.model_dump(include=result["best"].keys(), mode="json") == result["best"]
    assert settings.trainer.epochs == 2
    assert not (tmp_path / "workspace" / "metadata.sqlite").exists(), "a search is not a run"


def test_nothing_to_try_is_refused(greenlight):
    names = ("learning_rate", "batch_size", "dropout", "hidden_units", "label_smoothing")
    answer = greenlight("tune", *with_set(*(f"tune.{name}=[]" for name in names)))
    assert answer.exit_code == 2
    assert answer.stderr == (
        f"Error: There is nothing to try: {', '.join(f'tune.{name}' for name in names)} are all empty. "
        "Give one of them values.\n"
    )


def test_a_value_that_the_trainer_could_not_take_is_refused(greenlight):
    answer = greenlight("tune", *with_set("tune.dropout=[0.5, 1.5]"))
    assert answer.exit_code == 2 and "tune.dropout" in answer.stderr


@pytest.mark.parametrize(
    ("output", "reason"), [(".", "it is a folder"), ("no/best.toml", "its folder is not there")]
)
def test_a_file_that_cannot_be_written_is_refused_before_the_search(greenlight, output, reason):
    answer = greenlight("tune", "--output", output)
    assert answer.exit_code == 2
    assert f"cannot be written: {reason}" in answer.stderr and "Name another file." in answer.stderr


BEST = {"trial_id": "3", "score": 0.21, "dropout": 0.1, "hidden_units": "[64]"}
FIRST = {"trial_id": "0", "score": 0.24, "dropout": 0.3, "hidden_units": "[16]"}


@pytest.mark.parametrize(
    ("trials", "said"),
    [
        ([BEST, FIRST], "The best of 2 trials has a log loss of 0.2100 on eval; before: 0.2400."),
        (
            [FIRST, BEST],
            "The best of 2 trials has a log loss of 0.2400 on eval, with the initial settings.",
        ),
        (
            [BEST],
            "The best of a single trial has a log loss of 0.2100 on eval; with the initial settings, the "
            "fit diverged.",
        ),
    ],
)
def test_what_was_found_is_told_beside_what_was(trials, said):
    result = TuneResult(
        trials=trials,
        before={"dropout": 0.3, "hidden_units": [16]},
        best={"dropout": 0.3, "hidden_units": [64]},
        config="tuned.toml",
        log="run.log",
        seconds=9.0,
        data=Reading(taken=600, duplicates=2).account(),
    )
    assert result.to_json()["data"]["rows"] == 600
    assert result.as_text().splitlines() == [
        said,
        "  trainer.dropout          0.3",
        "  trainer.hidden_units     [64]  (was [16])",
        "  600 rows read, 600 used (2 of them duplicates)",
        "Use it: greenlight run --config tuned.toml",
    ]
