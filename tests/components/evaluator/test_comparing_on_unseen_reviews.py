"""The Evaluator compares on reviews that neither model has seen: real examples, models, records, TFMA."""

import json
import shutil
from pathlib import Path

import pytest
from example_files import write_examples
from tfx.components.evaluator import executor as tfx_executor

from components import fitted_splits
from components.evaluator import executor
from components.evaluator.exposure.training_reviews import TrainingReviews, hashes
from components.evaluator.settings import GateSettings
from serving.store.manifest import REVIEWS_NAME, Facts
from serving.versions import VersionStore


@pytest.fixture
def without_tfma(monkeypatch):
    """Leaves TFMA out, which agrees or not whatever was left out of the comparison; others here have it."""
    monkeypatch.setattr(tfx_executor.Executor, "Do", lambda *_: None)
    for name in ("candidate_metrics", "check_agreement", "check_validation"):
        monkeypatch.setattr(executor, name, lambda *_: None)


GATE = GateSettings(min_accuracy=0.5, min_change=-0.05, min_change_length="off", min_unseen=40)


def write_split(folder: Path, split: str, rows: list[tuple[str, int]]) -> None:
    write_examples(folder / f"Split-{split}" / "data_tfrecord-0.gz", rows)


def rows(start: int, end: int) -> list[tuple[str, int]]:
    """Reviews of which the words tell the label, but for every tenth."""
    words = ("bad", "good")
    return [
        (f"{words[number % 2]} film {number}", number % 2 if number % 10 else 1 - number % 2)
        for number in range(start, end)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """100 reviews in test, 60 in train, 20 in eval."""
    folder = tmp_path_factory.mktemp("examples")
    write_split(folder, "test", rows(0, 100))
    write_split(folder, "train", rows(100, 160))
    write_split(folder, "eval", rows(160, 180))
    return folder


@pytest.fixture(scope="module")
def published(tmp_path_factory, export_model):
    """A Model artifact with a copy of a published version, as the stage ProductionModel leaves it."""

    def publish(seen: dict[str, list[str]] | None, *, data: dict | None = None, bias: float = 0.0) -> Path:
        folder = tmp_path_factory.mktemp("production")
        records = {}
        if seen is not None:
            record = TrainingReviews({use: hashes(texts) for use, texts in seen.items()})
            (folder / "record").write_bytes(record.to_bytes())
            records = {REVIEWS_NAME: str(folder / "record")}
        store = VersionStore(folder / "store")
        model = export_model(bias=bias) / "Format-Serving"
        version = store.push(model, Facts(data=data or {}), records=records)
        assert store.verify(version.version) == []
        shutil.copytree(version.path, folder / "model" / "Format-Serving")
        return folder / "model"

    return publish


def texts(start: int, end: int) -> list[str]:
    return [text for text, _ in rows(start, end)]


def test_what_the_live_model_was_trained_on_is_left_out_written_otherwise_or_not(
    evaluate, export_model, published, folder
):
    seen = {"train": [f"  {text.upper()} " for text in texts(0, 40)], "eval": texts(40, 50)}
    data = {"settings": {"split_salt": "6767", "source": "packaged"}}
    live = published(seen, data=data)
    now = json.dumps({"split_salt": "zzz", "source": "packaged"})

    outcome = evaluate(export_model(), live, gate=GATE, folder=folder, data=now)

    comparison = outcome.verdict.comparison
    assert (comparison.reviews, comparison.compared, comparison.known) == (100, 50, True)
    assert comparison.left_out == {
        "the model in production was chosen by": 10,
        "the model in production was trained on": 40,
    }
    assert comparison.data_changes == ('data.split_salt changed from "6767" to "zzz"',)
    change = next(each for each in outcome.verdict.conditions if each.kind == "change")
    assert (change.examples, change.status) == (50, "ok")
    assert outcome.verdict.metrics["example_count"] == 100
    assert outcome.verdict.promoted and outcome.marks == {"BLESSED"}
    assert outcome.predictions.baseline_seen.sum() == 50
    assert not outcome.predictions.seen.any()


@pytest.mark.usefixtures("without_tfma")
def test_a_span_that_only_the_live_model_was_trained_on_is_not_judged_and_said_so(
    evaluate, export_model, published, folder
):
    live = published({"train": texts(100, 160)}, data={"settings": {"window": None}, "spans": [1, 2, 3]})
    kept = [{"span": number, "version": None, "fingerprint": "f"} for number in (2, 3)]

    outcome = evaluate(export_model(), live, gate=GATE, folder=folder, newest=3, spans=kept)

    conditions = {each.slice: each for each in outcome.verdict.conditions if each.kind == "change"}
    assert (conditions["span:1"].status, conditions["span:1"].unjudged) == (
        "not judged",
        "no examples of span 1",
    )


@pytest.mark.usefixtures("without_tfma")
def test_with_too_few_left_there_is_no_fair_comparison(evaluate, export_model, published, folder):
    outcome = evaluate(export_model(), published({"train": texts(0, 61)}), gate=GATE, folder=folder)

    (reason,) = outcome.verdict.reasons
    assert reason.startswith("no fair comparison with the model in production: only 39 examples of test")
    assert outcome.marks == {"NOT_BLESSED"}


@pytest.mark.proof
def test_the_same_split_leaves_nothing_out(evaluate, export_model, published, folder):
    live = published({"train": texts(100, 160), "eval": texts(160, 180)})
    outcome = evaluate(export_model(), live, gate=GATE, folder=folder)

    assert outcome.verdict.comparison.compared == 100
    assert outcome.verdict.comparison.left_out == {}
    assert outcome.predictions.baseline_seen is None
    assert outcome.verdict.notes[0].endswith(
        "on all 100 examples of test; neither model has seen any of them"
    )


@pytest.mark.usefixtures("without_tfma")
def test_the_record_of_the_candidate_is_left_for_its_version(evaluate, export_model, folder):
    outcome = evaluate(export_model(), gate=GATE, folder=folder)

    record = TrainingReviews.from_bytes(Path(outcome.evaluation.uri, REVIEWS_NAME).read_bytes())
    assert record.seen(hashes(texts(0, 180))).tolist() == [False] * 100 + [True] * 80
    assert {use: len(known) for use, known in record.by_use.items()} == {"train": 60, "eval": 20}
    test_set = outcome.verdict.test_set
    assert outcome.evaluation.get_string_custom_property("test_set") == test_set.digest
    assert outcome.evaluation.get_string_custom_property("candidate").startswith("sha256:")
    assert test_set.candidates is None


@pytest.fixture
def refit_model(export_model, tmp_path) -> Path:
    """A Model artifact that was fitted on train and eval."""
    folder = shutil.copytree(export_model(), tmp_path / "refit")
    fitted_splits.write(str(folder), ("train", "eval"))
    return folder


@pytest.mark.usefixtures("without_tfma")
def test_a_refit_candidate_was_trained_on_eval_as_well(evaluate, refit_model, folder):
    outcome = evaluate(refit_model, gate=GATE, folder=folder)

    record = TrainingReviews.from_bytes(Path(outcome.evaluation.uri, REVIEWS_NAME).read_bytes())
    assert {use: len(known) for use, known in record.by_use.items()} == {"train": 80}
    assert record.seen(hashes(texts(0, 180))).tolist() == [False] * 100 + [True] * 80


@pytest.mark.usefixtures("without_tfma")
def test_a_live_model_that_was_refit_is_compared_on_reviews_that_neither_model_has_seen(
    evaluate, export_model, refit_model, published, folder, tmp_path
):
    """What was eval for the live model is in the candidate's test split, and the live one has learned it."""
    before = evaluate(refit_model, gate=GATE, folder=folder)
    record = TrainingReviews.from_bytes(Path(before.evaluation.uri, REVIEWS_NAME).read_bytes())
    assert record.seen(hashes(texts(160, 180))).all()
    write_split(tmp_path, "test", rows(50, 100) + rows(160, 180))
    write_split(tmp_path, "train", rows(100, 160))
    write_split(tmp_path, "eval", rows(0, 50))
    live = published({"train": texts(100, 180)})

    outcome = evaluate(export_model(bias=0.1), live, gate=GATE, folder=tmp_path)

    assert outcome.verdict.comparison.compared == 50
    assert outcome.verdict.comparison.left_out == {"the model in production was trained on": 20}


@pytest.mark.usefixtures("without_tfma")
def test_without_a_test_split_a_live_model_that_was_refit_on_eval_cannot_be_compared(
    evaluate, export_model, published, tmp_path
):
    """Unlike one that was only chosen by these reviews."""
    write_split(tmp_path, "train", rows(100, 160))
    write_split(tmp_path, "eval", rows(0, 100))
    live = published({"train": texts(0, 160)})

    outcome = evaluate(export_model(), live, gate=GATE, folder=tmp_path, split="eval")

    (reason,) = outcome.verdict.reasons
    assert reason.startswith("no fair comparison with the model in production")


@pytest.mark.usefixtures("without_tfma")
def test_a_refit_candidate_is_not_judged_on_eval(evaluate, refit_model, tmp_path):
    write_split(tmp_path, "train", rows(100, 160))
    write_split(tmp_path, "eval", rows(0, 100))

    outcome = evaluate(refit_model, gate=GATE, folder=tmp_path, split="eval")

    assert not outcome.verdict.promoted
    assert outcome.verdict.test_set.seen_by_candidate == 100


@pytest.mark.proof
def test_a_model_that_started_from_another_has_seen_what_that_one_saw(
    evaluate, export_model, published, folder
):
    base = published({"train": texts(0, 40)})
    outcome = evaluate(export_model(), base=base, gate=GATE, folder=folder)

    assert outcome.verdict.metrics["example_count"] == 60
    assert outcome.verdict.test_set.seen_by_candidate == 40
    record = TrainingReviews.from_bytes(Path(outcome.evaluation.uri, REVIEWS_NAME).read_bytes())
    assert len(record.by_use["earlier"]) == 40


@pytest.mark.usefixtures("without_tfma")
def test_a_version_from_before_there_were_records_is_compared_on_all_and_that_is_said(
    evaluate, export_model, published, folder
):
    outcome = evaluate(export_model(), published(None), gate=GATE, folder=folder)

    assert outcome.verdict.comparison.compared == 100
    assert outcome.verdict.comparison.known is False
    assert "not known which examples" in outcome.verdict.notes[0]
    assert "it was pushed before that was recorded" in outcome.verdict.notes[0]


@pytest.mark.usefixtures("without_tfma")
def test_without_a_test_split_the_reviews_that_models_were_chosen_by_are_compared(
    evaluate, export_model, published, tmp_path
):
    write_split(tmp_path, "train", rows(100, 160))
    write_split(tmp_path, "eval", rows(0, 100))
    live = published({"train": texts(0, 30), "eval": texts(30, 100)})

    outcome = evaluate(export_model(), live, gate=GATE, folder=tmp_path, split="eval")

    assert outcome.verdict.comparison.compared == 70
    assert outcome.verdict.metrics["example_count"] == 100


@pytest.mark.usefixtures("without_tfma")
def test_without_a_test_split_a_model_is_also_judged_by_what_the_one_it_started_from_was_chosen_by(
    evaluate, export_model, published, tmp_path
):
    write_split(tmp_path, "train", rows(100, 160))
    write_split(tmp_path, "eval", rows(0, 100))
    base = {"train": texts(0, 30), "eval": texts(30, 60), "earlier": texts(60, 70)}
    live = published(base | {"earlier eval": texts(70, 100)})

    outcome = evaluate(export_model(), live, base=live, gate=GATE, folder=tmp_path, split="eval")

    assert outcome.verdict.metrics["example_count"] == 60
    assert outcome.verdict.comparison.compared == 60
    record = TrainingReviews.from_bytes(Path(outcome.evaluation.uri, REVIEWS_NAME).read_bytes())
    counts = {use: len(known) for use, known in record.by_use.items()}
    assert counts == {"train": 60, "eval": 100, "earlier": 40, "earlier eval": 60}
