"""What a run shows: live on a terminal, lines elsewhere, nothing for `--json`; and the summary at its end."""

import io
import os
import threading
from contextlib import nullcontext

import pytest
from rich.console import Console as RichConsole

from pipeline.console.live import LiveConsole
from pipeline.console.plain import STAGES, PlainConsole, SilentConsole, duration
from pipeline.console.stdout import open_console
from pipeline.results.outcome import RunResult, StageTiming
from pipeline.results.summary import summarize
from pipeline.results.verdict_table import verdict_lines

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
        report=str(tmp_path / "reports" / "index.html"),
        log="/elsewhere/run.log",
    )


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def stream():
    return io.StringIO()


@pytest.fixture
def plain(stream, clock):
    return PlainConsole(stream, clock=clock)


# --- plain lines


def test_plain_lines_say_when_what_happened(plain, stream, clock):
    plain.note("Loading TensorFlow and TFX ...")
    clock.now = 12
    plain.stage_started("ImdbExampleGen")
    plain.stage_finished("ImdbExampleGen", 0.31, True)
    clock.now = 75
    plain.stage_started("Trainer")
    plain.stage_finished("Trainer", 61.2, False)
    plain.stage_failed("Pusher", 0.5, "OSError: disk full\nmore in the log")
    assert stream.getvalue().splitlines() == [
        "[00:00] Loading TensorFlow and TFX ...",
        "[00:12] ImdbExampleGen   read the reviews and split them",
        "[00:12] ImdbExampleGen   from cache, 0.3 s",
        "[01:15] Trainer          fit the classifier, export the model",
        "[01:15] Trainer          done, 1 min 01 s",
        "[01:15] Pusher           FAILED after 0.5 s: OSError: disk full",
    ]


def test_plain_lines_repeat_progress_only_now_and_then(plain, stream, clock):
    plain.stage_started("Trainer")
    for second in range(31):
        clock.now = float(second)
        plain.progress("Trainer", f"epoch {second}")
    assert [line.split("  ")[-1].strip() for line in stream.getvalue().splitlines()[1:]] == [
        "epoch 10",
        "epoch 20",
        "epoch 30",
    ]


def test_a_stage_without_a_description_is_shown_by_its_name(plain, stream):
    plain.stage_started("Mystery")
    assert stream.getvalue() == "[00:00] Mystery\n"


def test_a_reader_that_goes_away_does_not_end_the_run(clock):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        console = PlainConsole(stream, clock=clock)
        console.stage_started("Trainer")
        console.stage_finished("Trainer", 1.0, False)


def test_lines_from_many_threads_do_not_mix(plain, stream):
    def work(number):
        for _ in range(50):
            plain.stage_finished(f"Stage{number}", 1.0, False)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 200
    assert all(line.endswith("done, 1.0 s") for line in lines)


# --- the summary


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
        "  accuracy 0.9046  auc 0.9661  on 5,000 reviews",
        "  16 epochs, 93 s, 1 of 2 stages from cache",
        "  live    work space/serving/imdb_sentiment/3",
        "  report  reports/index.html",
        "  log     /elsewhere/run.log",
        "  serve   greenlight serve --workspace 'work space'",
        "  docker  docker run --rm -p 8501:8501 -e MODEL_NAME=imdb_sentiment"
        f" -v '{os.getcwd()}/work space/serving/imdb_sentiment':/models/imdb_sentiment tensorflow/serving",
        """  ask     curl -d '{"instances": ["A wonderful film."]}' """
        "http://localhost:8501/v1/models/imdb_sentiment:predict",
    ]


@pytest.mark.parametrize(
    ("folder", "command"),
    [
        ("workspace/serving/imdb_sentiment/1", "greenlight serve"),
        ("workspace/serving/books/1", "greenlight serve --set model_name=books"),
        ("/w/serving/imdb_sentiment/1", "greenlight serve --workspace /w"),
    ],
)
def test_the_summary_names_the_server_of_this_workspace_and_model(folder, command):
    shown = summarize(RunResult(verdict="unchanged", version="1", model_path=folder)).as_text()
    assert f"  serve   {command}\n" in shown


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
        RunResult(verdict="stopped", reasons=["train: no `text` column"], log="/l", seconds=8)
    ).as_text()
    assert text.splitlines() == [
        "STOPPED  before training, by the data check; nothing is live yet",
        "  - train: no `text` column",
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


# --- live


@pytest.fixture
def live(stream, monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    return LiveConsole(stream)


def frame(console):
    rich = RichConsole(file=io.StringIO(), width=100, record=True)
    rich.print(console._render())
    return [line.rstrip() for line in rich.export_text().splitlines()]


def test_the_live_list_shows_what_ended_and_what_runs(live):
    live.note("Loading TensorFlow and TFX ...")
    live.stage_started("ImdbExampleGen")
    live.stage_finished("ImdbExampleGen", 0.2, True)
    live.stage_started("StatisticsGen")
    live.stage_finished("StatisticsGen", 9.31, False)
    live.stage_started("Trainer")
    live.progress("Trainer", "epoch 3/40  val_loss 0.31")
    lines = frame(live)
    assert lines[0] == "·  Loading TensorFlow and TFX ..."
    assert lines[1].split() == ["↺", "ImdbExampleGen", "cached", *STAGES["ImdbExampleGen"].split()]
    assert lines[2].split() == ["✓", "StatisticsGen", "9.3", "s", *STAGES["StatisticsGen"].split()]
    assert lines[3].split()[1:] == ["Trainer", "0.0", "s", "epoch", "3/40", "val_loss", "0.31"]


def test_the_live_list_shows_the_error_of_a_failed_stage(live):
    live.stage_started("Trainer")
    live.stage_failed("Trainer", 61, "ValueError: [red]odd[/] text\nsecond line")
    assert frame(live)[0].split() == [
        "✗",
        "Trainer",
        "1",
        "min",
        "01",
        "s",
        "ValueError:",
        "[red]odd[/]",
        "text",
    ]


def test_a_stage_that_was_running_when_the_run_ended_is_marked(live):
    with live:
        live.stage_started("Trainer")
    assert frame(live)[0].split()[:2] == ["✗", "Trainer"]


def test_a_live_run_ends_with_its_list_and_its_summary(live, stream, result):
    with live:
        live.stage_started("Trainer")
        live.stage_finished("Trainer", 61, False)
        live.finish(result)
    text = stream.getvalue()
    assert text.rindex("Trainer") < text.index("PROMOTED") < text.index("docker run")


# --- which one


def test_json_gets_a_console_that_shows_nothing(capfd, result):
    with open_console(as_json=True) as console:
        assert isinstance(console, SilentConsole)
        console.note("x")
        console.stage_started("Trainer")
        console.progress("Trainer", "x")
        console.stage_finished("Trainer", 1.0, False)
        console.stage_failed("Trainer", 1.0, "x")
        console.finish(result)
    assert capfd.readouterr() == ("", "")


def test_what_is_no_terminal_gets_plain_lines():
    with open_console(as_json=False) as console:
        assert isinstance(console, PlainConsole)


@pytest.mark.parametrize(("term", "kind"), [("xterm", LiveConsole), ("dumb", PlainConsole)])
def test_a_terminal_gets_the_live_list_unless_it_is_a_dumb_one(term, kind, monkeypatch):
    class Screen(io.StringIO):
        """Says that it is a terminal; a real one cannot be had in every container."""

        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr("pipeline.console.stdout.real_stdout", lambda: nullcontext(Screen()))
    with open_console(as_json=False) as console:
        assert type(console) is kind


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0.0 s"),
        (0.42, "0.4 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (75.4, "1 min 15 s"),
        (3600, "60 min 00 s"),
    ],
)
def test_a_duration_in_words(seconds, words):
    assert duration(seconds) == words


LOST = {"kind": "baseline", "metric": "baseline", "passed": False}


@pytest.mark.parametrize(
    ("log", "option"),
    [("workspace/runs/r/run.log", ""), ("/some where/runs/r/run.log", "--workspace '/some where' ")],
)
def test_a_refusal_for_a_lost_model_in_production_comes_with_the_way_out(log, option):
    text = summarize(RunResult(verdict="refused", run="r", gate=[LOST], log=log)).as_text()
    assert f'  mend    greenlight approve r {option}--reason "the old model is gone"' in text


@pytest.mark.parametrize(
    "changes", [{"gate": [{"passed": False}]}, {"gate": [LOST], "approval": {"by": "me"}}]
)
def test_no_other_refusal_comes_with_a_way_out(changes):
    assert "approve" not in summarize(RunResult(verdict="refused", run="r", **changes)).as_text()


def test_where_no_fair_comparison_is_possible_the_way_out_is_shown():
    unseen = {"metric": "unseen_reviews", "kind": "unseen", "passed": False, "status": "failed"}
    shown = summarize(RunResult(verdict="refused", run="7", version="1", gate=({**unseen, "value": 3.0},)))
    assert shown.commands == [
        ("mend", "the data.split_salt, weights and source of the model in production, or more new reviews"),
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
    unjudged |= {"status": "not judged", "unjudged": "no model in production yet"}
    parts = tuple({**unjudged, "slice": each} for each in ("overall", "length:short", "length:long"))
    shown = summarize(RunResult(verdict="promoted", version="1", gate=parts, notes=("few reviews",)))
    first, second = shown.checks
    assert (first.name, first.mark, first.margin) == (
        "change of accuracy",
        "not judged",
        "no model in production yet",
    )
    assert second.name == "change of accuracy, 2 parts of the split"
    assert "  ok" not in shown.as_text()
    assert "  note: few reviews\n" in shown.as_text()
