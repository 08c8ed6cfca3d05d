"""The study of what each part is worth: its rows, its table, and one real, small study that is resumed."""

import json

import pytest
from processes import with_set
from small_run import SMALL_RUN

from benchmarks.accuracy import ablation
from benchmarks.accuracy.ablation import Ablation, Row
from components.example_gen.reading import Reading
from components.tuner import fit_cache
from components.tuner.fit_cache import FitResult
from pipeline import config

FIT = FitResult(accuracy=0.9, log_loss=0.25, calibration_error=0.01, epochs=7, seconds=12.0)
OTHER = FitResult(accuracy=0.92, log_loss=0.35, calibration_error=0.03, epochs=9, seconds=14.0)


@pytest.mark.parametrize("name", ablation.ROWS)
def test_a_row_is_what_its_assignments_make(name):
    """What the table says under `settings` repeats the row with `greenlight run --set`."""
    assignments = [*Row(name, [FIT]).settings, "trainer.seed=7"]
    wanted = config.load(preset="seed", assignments=assignments)
    assert ablation.without(config.load(preset="seed"), name, seed=7) == wanted


def test_no_row_but_the_first_is_the_default():
    assert [name for name in ablation.ROWS if not Row(name, [FIT]).settings] == ["default"]


def test_the_table_has_mean_and_spread_over_the_seeds():
    result = Ablation(
        rows=[Row("default", [FIT, OTHER]), Row("no-ngrams", [FIT, FIT])],
        seeds=(1, 2),
        examples={"train": 15000, "eval": 10000},
        seconds=1.0,
    )
    first, second = result.table().splitlines()[2:]
    assert first == "| default |  | 0.9100 ± 0.0141 | 0.0200 ± 0.0141 | 0.3000 ± 0.0707 | 7 9 | 13 |"
    assert second.startswith("| no-ngrams | `trainer.ngram_order=0` | 0.9000 ± 0.0000 |")
    assert result.as_text().endswith(
        "15,000 reviews to train on, 10,000 to validate on; mean and standard deviation over the seeds 1, 2."
    )
    row = result.to_json()["rows"][0]
    assert row["accuracy_mean"] == pytest.approx(0.91) and row["fits"][1]["seed"] == 2


def test_what_became_of_the_rows_is_told():
    account = Reading(taken=5).account()
    table = Ablation(
        rows=[Row("default", [FIT])],
        seeds=(1,),
        examples={"train": 3, "eval": 2},
        seconds=1.0,
        data=account,
    )
    assert table.as_text().endswith("over the seeds 1.\n  5 rows read, 5 used")
    assert table.to_json()["data"] == account


def test_a_single_seed_has_no_spread():
    assert Row("default", [FIT]).spread("accuracy") == 0


def test_the_spans_of_the_workspace_are_read(tmp_path):
    folder = tmp_path / "ws" / "spans" / "span-1"
    folder.mkdir(parents=True)
    rows = "".join(f"film {number},{number % 2}\n" for number in range(50))
    (folder / "r.csv").write_text("text,label\n" + rows)
    settings = config.load(assignments=[f"workspace={tmp_path / 'ws'}", "data.source=spans"])
    made = ablation.ablation(settings, output_dir=tmp_path, rows=(), seeds=(1,), progress=print)
    assert (made.data["rows"], sum(made.examples.values())) == (50, 50)


@pytest.mark.proof
def test_a_study_goes_on_where_it_was_stopped(tmp_path, monkeypatch, capsys, embedding_cache):
    fits = []
    fit = fit_cache.fit_prepared
    monkeypatch.setattr(fit_cache, "fit_prepared", lambda *given: fits.append(given[1].seed) or fit(*given))

    def study(*arguments):
        small = with_set(*SMALL_RUN, f"cache_dir={embedding_cache}", "trainer.epochs=2")
        assert ablation.main(["--json", "--workspace", str(tmp_path), *small, *arguments]) == 0
        return json.loads(capsys.readouterr().out)

    study("--row", "no-ngrams", "--seed", "1")
    result = study("--row", "no-ngrams", "--seed", "1", "--seed", "2")
    assert fits == [1, 2]
    assert result["examples"]["train"] + result["examples"]["eval"] == 600
    assert result["data"]["used"] == 600
    (row,) = result["rows"]
    assert [fit["seed"] for fit in row["fits"]] == [1, 2]

    folder = tmp_path / "studies" / "ablation"
    assert len(list((folder / "fits").iterdir())) == 2
    assert "| no-ngrams | `trainer.ngram_order=0` |" in (folder / ablation.TABLE).read_text()
    assert json.loads((folder / ablation.RESULT).read_text()) == result


def test_an_unusable_source_is_one_line(tmp_path, capsys):
    assert ablation.main(["--workspace", str(tmp_path), "--set", "data.source=files:no.csv"]) == 2
    assert capsys.readouterr().err.startswith("Error: ")


def test_the_old_command_says_where_it_went(greenlight):
    answer = greenlight("study", "ablation", "--row", "no-ngrams")
    assert answer.exit_code == 2
    assert "python -m benchmarks.accuracy.ablation" in answer.stderr
