"""The summary at the end of a run: what is live, what the gate said, and the commands that come next."""

import dataclasses
import io
import os

import pytest
from obstore.store import MemoryStore
from rich.console import Console as RichConsole

from pipeline.console.plain import PlainConsole
from pipeline.results import example_text
from pipeline.results.outcome import RunResult, StageTiming
from pipeline.results.summary import summarize
from pipeline.results.verdict_table import verdict_lines, verdict_markdown
from serving.errors import StoreError
from serving.storage.objects import ObjectFiles
from serving.store.manifest import Facts
from serving.versions import VersionStore

GATE = (
    {
        "metric": "accuracy",
        "slice": "overall",
        "kind": "floor",
        "threshold": 0.85,
        "value": 0.9046,
        "margin": 0.0546,
        "lower": 0.896,
        "upper": 0.912,
        "confidence": 0.95,
        "passed": True,
    },
    {
        "metric": "accuracy",
        "slice": "overall",
        "kind": "change",
        "threshold": -0.002,
        "value": 0.0012,
        "margin": 0.0032,
        "passed": True,
    },
    {
        "metric": "accuracy",
        "slice": "length:short",
        "kind": "floor",
        "threshold": 0.92,
        "value": 0.8811,
        "margin": -0.0389,
        "passed": False,
    },
    {
        "metric": "ece",
        "slice": "overall",
        "kind": "ceiling",
        "threshold": 0.05,
        "value": None,
        "passed": False,
    },
    {
        "metric": "example_count",
        "slice": "overall",
        "kind": "examples",
        "threshold": 50,
        "value": 5000,
        "passed": True,
    },
)


@pytest.fixture
def result(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return RunResult(
        verdict="promoted",
        version="3",
        model_path=str(tmp_path / "work space" / "serving" / "imdb_sentiment" / "3"),
        run="20261122-101500.000001",
        metrics={"accuracy": 0.9046, "auc": 0.9661, "loss": 0.25, "example_count": 5000.0},
        gate=GATE,
        epochs=16,
        stages=(StageTiming("ImdbExampleGen", 12.3, cached=True), StageTiming("Trainer", 61)),
        seconds=93.4,
        report=str(tmp_path / "work space" / "reports" / "r" / "index.html"),
        log=str(tmp_path / "work space" / "runs" / "r" / "run.log"),
    )


@pytest.fixture
def stream():
    return io.StringIO()


@pytest.fixture
def plain(stream):
    return PlainConsole(stream)


def test_a_refit_stands_beside_the_epochs(plain, stream, result):
    refit = {"reviews": 20_000, "epochs": 11, "calibrated_on": "eval, as the first fit predicts it"}
    plain.finish(dataclasses.replace(result, refit=refit))
    assert "  16 epochs, refit on 20,000 examples for 11 epochs, 93 s, 1 of 2" in stream.getvalue()


def test_the_summary_in_plain_lines(plain, stream, result):
    plain.finish(result)
    assert stream.getvalue().splitlines() == [
        "",
        "PROMOTED  version 3 is live",
        "  ok      accuracy                0.9046 [0.8960, 0.9120]  ≥ 0.8500   +0.0546",
        "  ok      change of accuracy      +0.0012                  ≥ -0.0020  +0.0032",
        "  NO      accuracy, length:short  0.8811                   ≥ 0.9200   -0.0389",
        "  NO      ece                     ?                        ≤ 0.0500",
        "  ok      example count           5,000                    ≥ 50",
        "  accuracy 0.9046  auc 0.9661  on 5,000 examples",
        "  16 epochs, 93 s, 1 of 2 stages from cache",
        "  live    work space/serving/imdb_sentiment/3",
        "  report  work space/reports/r/index.html",
        "  log     work space/runs/r/run.log",
        "  serve   greenlight serve --workspace 'work space'",
        "  docker  docker run --rm -p 8501:8501 -e MODEL_NAME=imdb_sentiment"
        f" -v '{os.getcwd()}/work space/serving/imdb_sentiment':/models/imdb_sentiment tensorflow/serving",
        """  ask     curl -d '{"instances": ["A wonderful film."]}' """
        "http://localhost:8501/v1/models/imdb_sentiment:predict",
    ]


@pytest.mark.parametrize(
    ("workspace", "folder", "command"),
    [
        ("workspace", "workspace/serving/imdb_sentiment/1", "greenlight serve"),
        ("workspace", "workspace/serving/books/1", "greenlight serve --set model_name=books"),
        ("/w", "/w/serving/imdb_sentiment/1", "greenlight serve --workspace /w"),
        ("/w", "/srv/models/imdb_sentiment/1", "greenlight serve --set push.serving_root=/srv/models"),
        ("/w", "/srv/serving/imdb_sentiment/1", "greenlight serve --set push.serving_root=/srv/serving"),
        (
            "/w",
            "s3://m/a/books/1",
            "greenlight serve --set push.serving_root=s3://m/a --set model_name=books",
        ),
    ],
)
def test_the_summary_names_the_server_of_this_workspace_and_model(workspace, folder, command):
    result = RunResult(verdict="unchanged", version="1", model_path=folder, log=f"{workspace}/runs/r/run.log")
    shown = summarize(result).as_text()
    assert f"  serve   {command}\n" in shown
    assert ("  docker  " in shown) == ("://" not in folder)


@pytest.mark.parametrize(
    ("verdict", "version", "headline"),
    [
        ("promoted", "3", "version 3 is live"),
        ("unchanged", "3", "version 3 is live already: the same model is not promoted twice"),
        ("refused", "2", "version 2 stays live"),
        ("refused", None, "nothing is live yet"),
        ("stopped", None, "before training, by the data check; nothing is live yet"),
    ],
)
def test_the_headline_says_what_is_live(verdict, version, headline):
    summary = summarize(RunResult(verdict=verdict, version=version))
    assert (summary.verdict, summary.headline) == (verdict, headline)


def test_a_stopped_run_shows_its_reasons_and_no_commands_for_a_model_that_is_not_there():
    text = summarize(
        RunResult(verdict="stopped", reasons=["1 thing is wrong:", "  train: no text"], log="/l", seconds=8)
    ).as_text()
    assert text.splitlines() == [
        "STOPPED  before training, by the data check; nothing is live yet",
        "  1 thing is wrong:",
        "    train: no text",
        "  8 s",
        "  log     /l",
    ]


def test_a_failed_run_has_no_summary(plain, stream):
    plain.finish(RunResult(verdict="failed", error="boom"))
    assert stream.getvalue() == ""


def test_the_summary_in_colour_has_the_same_words_and_cuts_no_command(result):
    rich = RichConsole(
        file=io.StringIO(), width=60, color_system="truecolor", force_terminal=True, record=True
    )
    rich.print(summarize(result).as_rich(), crop=False, overflow="ignore")
    shown = rich.export_text()
    for line in summarize(result).as_text().splitlines()[1:]:
        assert line.split()[-1] in shown
    assert "PROMOTED" in shown
    assert ":/models/imdb_sentiment tensorflow/serving\n" in shown


LOST = {"kind": "baseline", "metric": "baseline", "passed": False}


@pytest.mark.parametrize(
    ("log", "option"),
    [("workspace/runs/r/run.log", ""), ("/some where/runs/r/run.log", "--workspace '/some where' ")],
)
def test_a_refusal_for_a_lost_model_in_production_comes_with_the_way_out(log, option):
    text = summarize(RunResult(verdict="refused", run="r", gate=[LOST], log=log)).as_text()
    command = f'greenlight approve r {option}--reason "the model in production cannot be evaluated"'
    assert f"  mend    {command}" in text


@pytest.mark.parametrize(
    "changes", [{"gate": [{"passed": False}]}, {"gate": [LOST], "approval": {"by": "me"}}]
)
def test_no_other_refusal_comes_with_a_way_out(changes):
    assert "approve" not in summarize(RunResult(verdict="refused", run="r", **changes)).as_text()


def test_where_no_fair_comparison_is_possible_the_way_out_is_shown():
    unseen = {"metric": "unseen_reviews", "kind": "unseen", "passed": False, "status": "failed"}
    shown = summarize(RunResult(verdict="refused", run="7", version="1", gate=({**unseen, "value": 3.0},)))
    assert shown.commands == [
        ("mend", "the data.split_salt, weights and source of the model in production, or more new examples"),
        ("or", 'greenlight approve 7 --reason "other data than before"'),
    ]


def test_a_first_model_of_which_nothing_was_judged_comes_with_the_way_out():
    unknown = {"kind": "quality", "metric": "quality", "threshold": None, "passed": False}
    shown = summarize(RunResult(verdict="refused", run="20261122-1015", gate=(unknown,)))
    assert "  NO      quality of the model      nothing judged\n" in shown.as_text()
    assert shown.commands == [
        ("mend", 'greenlight approve 20261122-1015 --reason "the first model to compare with"')
    ]


def test_the_bound_that_was_judged_stands_beside_the_value():
    condition = {"metric": "balanced_accuracy", "kind": "floor", "threshold": 0.5, "value": 0.5}
    condition |= {"lower": 0.4479, "upper": 0.5521, "confidence": 0.95, "judged": "lower"}
    result = RunResult(verdict="refused", run="r", gate=(condition | {"passed": False, "margin": -0.0521},))
    (check,) = summarize(result).checks
    assert (check.value, check.limit, check.margin) == ("0.5000, lower bound 0.4479", "≥ 0.5000", "-0.0521")
    assert "0.5000, lower bound 0.4479  ≥ 0.5000  -0.0521  0.4479 to 0.5521" in verdict_lines(result)


def test_what_was_not_judged_is_never_ok_and_parts_share_a_line():
    unjudged = {"metric": "accuracy", "kind": "change", "threshold": -0.01, "passed": True, "value": None}
    unjudged |= {"status": "not judged", "unjudged": "no other model in production"}
    parts = tuple({**unjudged, "slice": each} for each in ("overall", "length:short", "length:long"))
    shown = summarize(RunResult(verdict="promoted", version="1", gate=parts, notes=("few examples",)))
    first, second = shown.checks
    assert (first.name, first.mark, first.margin) == (
        "change of accuracy",
        "not judged",
        "no other model in production",
    )
    assert second.name == "change of accuracy, 2 slices"
    assert "  ok" not in shown.as_text()
    assert "  note: few examples\n" in shown.as_text()


def test_the_verdict_in_markdown_has_the_same_cells_and_shows_texts_as_they_are():
    condition = {"metric": "accuracy", "kind": "floor", "threshold": 0.85, "value": 0.8, "slice": "a|b_c"}
    result = RunResult(
        verdict="refused",
        run="r",
        gate=(condition | {"passed": False},),
        reasons=["<b> *a*\n| x"],
        notes=["n"],
    )
    shown = verdict_markdown(result).splitlines()
    assert shown[0] == "### REFUSED: nothing is live yet"
    header, line, row = (text for text in shown if text.startswith("|"))
    assert header.count("|") == line.count("|") == row.replace("\\|", "").count("|")
    assert row.startswith("| NO | accuracy | a\\|b\\_c | 0.8000 | ≥ 0.8500 |")
    assert shown[-3:] == ["- \\<b\\> \\*a\\* \\| x", "", "- note: n"]


def test_the_reason_for_no_refit_is_a_line_of_its_own(plain, stream, result):
    plain.finish(dataclasses.replace(result, refit={"why_not": "trainer.refit is false"}))
    assert "  not refit on train and eval: trainer.refit is false\n" in stream.getvalue()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({}, "A wonderful film."),
        ({"settings": {"source": "packaged"}}, "A wonderful film."),
        ({"settings": {"source": "files:mails/*.csv"}}, "A text of yours."),
        ({"settings": {"source": "spans"}}, "A text of yours."),
    ],
)
def test_the_shown_question_is_about_films_only_where_the_data_is(tmp_path, small_model, data, text):
    pushed = VersionStore(tmp_path / "mails").push(small_model(), Facts(data=data))
    assert example_text.example_text(pushed.path) == text


def test_the_shown_question_is_about_the_data_of_a_version_in_a_bucket(monkeypatch, small_model):
    bucket = ObjectFiles(MemoryStore())
    monkeypatch.setattr(example_text, "files_for", lambda path: bucket)
    store = VersionStore("s3://models/mails", files=bucket)
    store.push(small_model(), Facts(data={"settings": {"source": "spans"}}))
    assert example_text.example_text("s3://models/mails/1") == "A text of yours."
    assert example_text.example_text("s3://models/mails/2") == "A wonderful film."


def test_the_question_is_shown_where_the_bucket_cannot_be_read(monkeypatch):
    def fails(path):
        raise StoreError("no credentials")

    monkeypatch.setattr(example_text, "files_for", fails)
    assert example_text.example_text("s3://models/mails/1") == "A wonderful film."


def test_the_message_of_a_stopped_run_is_no_list_within_a_list():
    reasons = ["2 things are wrong:", "  train: *few*", "  eval: few", "Add rows."]
    stopped = RunResult(verdict="stopped", reasons=reasons)
    assert verdict_lines(stopped).splitlines()[-4:] == reasons
    assert verdict_markdown(stopped).splitlines()[-6:] == [
        "2 things are wrong:",
        "",
        "- train: \\*few\\*",
        "- eval: few",
        "",
        "Add rows.",
    ]


def test_a_table_that_is_wider_than_the_terminal_becomes_paragraphs():
    condition = {
        "metric": "accuracy",
        "kind": "floor",
        "threshold": 0.85,
        "value": 0.8,
        "lower": 0.7,
        "upper": 0.9,
    }
    change = {
        "metric": "accuracy",
        "kind": "change",
        "threshold": 0.0,
        "passed": True,
        "unjudged": "nothing else",
    }
    result = RunResult(verdict="refused", run="r", gate=(condition | {"passed": False}, change))
    wide = verdict_lines(result)
    assert verdict_lines(result, width=max(map(len, wide.splitlines()))) == wide
    assert verdict_lines(result, width=45).splitlines()[3:] == [
        "NO          accuracy",
        "            slice overall; value 0.8000;",
        "            limit ≥ 0.8500; confidence",
        "            interval 0.7000 to 0.9000",
        "not judged  change of accuracy",
        "            slice overall; limit ≥ +0.0000;",
        "            nothing else",
    ]
