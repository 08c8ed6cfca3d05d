"""The study of early stopping: its table, its words, its files; and one real, small study."""

import dataclasses
import json
import re
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest

from components.errors import InputError
from components.example_gen.formats.rows import BadRow, Reason
from components.example_gen.reading import Reading
from components.trainer.settings import TrainerSettings
from pipeline import config
from pipeline.study import early_stopping as study
from pipeline.study import page as study_page
from pipeline.study import text as study_text
from pipeline.study.result import EmbeddedReview, Fit, StudyResult

BAD = BadRow("a.csv", 2, Reason.NO_TEXT, "")


def epochs(count: int, *, best: int) -> tuple[dict, ...]:
    """`count` epochs whose validation loss is lowest at `best` and whose accuracy is highest two later."""
    return tuple(
        {
            "epoch": n,
            "loss": 0.7 / n,
            "accuracy": 1 - 0.4 / n,
            "val_loss": 0.3 + 0.01 * abs(n - best),
            "val_accuracy": 0.88 - 0.002 * abs(n - best - 2),
            "seconds": 1.0,
        }
        for n in range(1, count + 1)
    )


def make_result(*, stopped_epoch: int | None = 14, text: str = "A fine film.") -> StudyResult:
    full = epochs(40, best=9)
    return StudyResult(
        embedding="glove-6b-50d",
        trainer=study.lesson_trainer(TrainerSettings()).model_dump(mode="json"),
        examples={"train": 15000, "eval": 10000},
        reviews=(EmbeddedReview(text, 1, tuple(n / 8 for n in range(20))),) * 3,
        summary="Total params: 2550833",
        without=Fit(full, 40, None, 40.0, 0.8772),
        stopped=Fit(full[:stopped_epoch], 9, stopped_epoch, float(stopped_epoch or 40), 0.8823),
        seconds=60.0,
    )


def test_the_table_has_the_epochs_of_the_lesson():
    rows = {row.epoch: row for row in make_result().table()}

    assert list(rows) == [1, 5, 9, 10, 11, 14, 20, 40]
    assert rows[9].note == "lowest loss, kept"
    assert rows[11].note == "highest accuracy"
    assert rows[14].note == "stopped"
    assert rows[40].note == "last"
    assert rows[14].stopped and rows[20].stopped is None


def test_what_was_saved_is_counted():
    saved = make_result().saved

    assert (saved["epochs"], saved["seconds"]) == (26, 26.0)
    assert saved["val_loss"] == pytest.approx(0.31)
    assert saved["accuracy"] == pytest.approx(0.0051)


def test_the_conclusion_says_what_was_saved():
    assert study_text.conclusion(make_result()) == (
        "Early stopping ended the fit after epoch 14 and kept the weights of epoch 9. It saved 26 of 40 "
        "epochs and 26.0 of 40.0 seconds. The model it kept has a validation loss of 0.3000: 0.3100 lower "
        "than the 0.6100 after 40 epochs."
    )


def test_a_fit_that_never_stopped_early_is_told_as_such():
    assert study_text.conclusion(make_result(stopped_epoch=None)) == (
        "Early stopping did not end the fit: all 40 epochs ran in both fits."
    )


def test_the_terminal_shows_table_reviews_model_and_accuracy():
    shown = study_text.as_text(make_result())

    assert "   14        0.9714     0.3500     0.8740     0.3500     0.8740   stopped" in shown
    assert "   20        0.9800     0.4100     0.8620          -          -" in shown
    assert "[0.000, 0.125, 0.250, 0.375, 0.500, 0.625, 0.750, 0.875, ...] (D = 20)" in shown
    assert "Total params: 2550833" in shown
    assert "0.8823 with early stopping, 0.8772 without." in " ".join(shown.split())
    assert all(len(line) <= 100 for line in shown.splitlines())


def test_what_became_of_the_rows_is_told_everywhere():
    account = Reading(taken=9, bad=Counter({Reason.NO_TEXT: 2}), first_bad=[BAD]).account()
    result = dataclasses.replace(make_result(), data=account)
    shown = study_text.as_text(result)
    words = "11 rows read, 9 used, 2 left out (2 no text)"
    assert f"\n  {words}\n    a.csv:2: no text\n    1 more row" in shown
    assert result.to_json()["data"] == account
    page = study_page.page(result)
    assert words in page and "<li>a.csv:2: no text</li>" in page


def test_the_labels_have_the_names_of_the_classes():
    result = dataclasses.replace(make_result(text="Win a prize."), classes=("ham", "spam"))
    assert "  spam: Win a prize." in study_text.as_text(result)
    assert "<strong>spam</strong>" in study_page.page(result)
    assert "positive" not in study_text.as_text(result)


def test_json_holds_both_fits_and_can_be_written():
    found = json.loads(json.dumps(make_result().to_json()))

    assert found["fits"]["early_stopping"]["stopped_epoch"] == 14
    assert len(found["fits"]["without"]["epochs"]) == 40
    assert found["saved"]["epochs"] == 26
    assert found["same_start"] is True
    assert len(found["reviews"][0]["embedding"]) == 20


def test_page_and_pictures_are_written_and_the_same_each_time(tmp_path: Path):
    result = make_result()
    files = study_page.write(result, tmp_path / "a")
    again = study_page.write(result, tmp_path / "b")

    assert Path(files["png"]).read_bytes().startswith(b"\x89PNG")
    ElementTree.fromstring(Path(files["svg"]).read_text(encoding="utf-8"))
    for name in ("page", "png", "svg"):
        assert Path(files[name]).read_bytes() == Path(again[name]).read_bytes()


def test_the_page_needs_nothing_else_and_escapes_reviews():
    page = study_page.page(make_result(text="<script>alert(1)</script>"))

    assert "<script" not in page and "&lt;script&gt;alert(1)" in page
    assert all(target.startswith("#") for target in re.findall(r'(?:href|src)="([^"]*)"', page))
    assert page.count('<svg class="chart"') == 4
    assert "epoch 9 kept" in page


def test_what_nobody_set_is_as_in_the_lesson():
    trainer = study.lesson_trainer(TrainerSettings(dropout=0.25, epochs=7))

    assert (trainer.learning_rate, trainer.ngram_order, trainer.label_smoothing) == (1e-3, 0, 0.0)
    assert (trainer.dropout, trainer.epochs) == (0.25, 7)
    assert not trainer.calibrate


def test_the_settings_of_the_fits_are_told():
    as_in_the_lesson = make_result()
    changed = dataclasses.replace(as_in_the_lesson, trainer={**as_in_the_lesson.trainer, "dropout": 0.25})

    assert study_text.model_in_words(as_in_the_lesson) == (
        "glove-6b-50d, Dense(16), sigmoid; Adam at 0.001, batches of 512, seed 1. "
        "Early stopping on val_loss: patience 5, min_delta 0.001."
    )
    assert study_text.model_in_words(changed).endswith(" Different from the lesson: dropout 0.25.")


def test_an_empty_split_is_refused(tmp_path: Path):
    source = tmp_path / "one.csv"
    source.write_text("text,label\nA fine film,1\n", encoding="utf-8")
    settings = config.load(source=f"files:{source}", assignments=[f"cache_dir={tmp_path}"])

    with pytest.raises(
        InputError, match=r"needs examples in train and eval; there is none in .*data\.eval_weight"
    ):
        study.early_stopping(settings, output_dir=tmp_path / "out")


@pytest.mark.proof
def test_a_small_study_runs_both_fits_from_the_same_start(tmp_path: Path):
    settings = config.load(
        preset="seed",
        assignments=[
            f"cache_dir={tmp_path / 'cache'}", "embedding.vocabulary_size=2000", "data.limit=500",
            "trainer.epochs=4", "trainer.patience=0", "trainer.min_delta=10.0",
        ],
    )  # fmt: skip
    told: list[str] = []
    result = study.early_stopping(settings, output_dir=tmp_path / "out", progress=told.append)

    assert sum(result.examples.values()) == 500
    assert result.same_start
    assert len(result.without.epochs) == 4
    # No epoch gets over a bar of 10, so the second is one too many.
    assert (result.stopped.stopped_epoch, result.stopped.kept_epoch) == (2, 1)
    assert result.stopped.accuracy == pytest.approx(result.stopped.kept["val_accuracy"], abs=1e-3)
    assert [len(review.embedding) for review in result.reviews] == [50, 50, 50]
    assert "probability" in result.summary or "head" in result.summary
    assert {Path(path).name for path in result.files.values()} == {"index.html", "curves.png", "curves.svg"}
    assert any(line.startswith("with early stopping: epoch 2/4") for line in told)
