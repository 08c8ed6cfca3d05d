"""`greenlight.study_early_stopping`: the command's JSON as a table, and its errors."""

import json
import subprocess

import pytest

import greenlight
from greenlight import study

FACTS = {
    "fits": {
        "without": {
            "epochs": [{"epoch": 1, "val_loss": 0.6}, {"epoch": 2, "val_loss": 0.7}],
            "accuracy": 0.7,
        },
        "early_stopping": {"epochs": [{"epoch": 1, "val_loss": 0.6}], "kept_epoch": 1, "accuracy": 0.75},
    },
    "files": {"svg": "curves.svg"},
}


@pytest.fixture
def ended(monkeypatch, tmp_path):
    """Says how the command ends, instead of running it."""
    monkeypatch.chdir(tmp_path)
    commands = []

    def end(*, code=0, output="", errors=""):
        def run(command, **_):
            commands.append(command)
            return subprocess.CompletedProcess(command, code, output, errors)

        monkeypatch.setattr(study.subprocess, "run", run)
        return commands

    return end


def test_the_fits_are_a_table_and_a_picture(ended, tmp_path):
    commands = ended(output=json.dumps(FACTS))
    found = greenlight.study_early_stopping(settings={"trainer.epochs": 2})
    assert commands[0][3:7] == ["pipeline.cli", "study", "early-stopping", "--json"]
    assert found.accuracy == {"without": 0.7, "early_stopping": 0.75}
    table = found.to_pandas()
    assert list(table["without", "val_loss"]) == [0.6, 0.7]
    assert table["early_stopping", "val_loss"].isna().tolist() == [False, True]
    assert repr(found) == "<early stopping kept epoch 1; accuracy without 0.7000, early_stopping 0.7500>"
    assert found._repr_svg_() is None, "its file is gone"
    (tmp_path / "curves.svg").write_text("<svg/>")
    assert found._repr_svg_() == "<svg/>"


@pytest.mark.parametrize(("code", "kind"), [(2, greenlight.InputError), (1, greenlight.GreenlightError)])
def test_an_error_of_the_command_is_raised_with_its_message(ended, code, kind):
    ended(code=code, errors="Error: nothing to read\n")
    with pytest.raises(kind, match=r"^nothing to read$"):
        greenlight.study_early_stopping()


def test_settings_that_cannot_be_used_are_an_error_before_it_starts(ended):
    commands = ended()
    with pytest.raises(greenlight.InputError, match=r"trainer\.epochs"):
        greenlight.study_early_stopping(settings={"trainer.epochs": 0})
    assert commands == []
