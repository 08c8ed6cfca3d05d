"""The live list of a run's stages on a terminal, and its summary at the end."""

import io

import pytest
from rich.console import Console as RichConsole

from pipeline.console.live import LiveConsole
from pipeline.console.plain import STAGES
from pipeline.results.outcome import RunResult


@pytest.fixture
def stream():
    return io.StringIO()


@pytest.fixture
def live(stream, monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    return LiveConsole(stream)


def frame(console, *, width=100):
    rich = RichConsole(file=io.StringIO(), width=width, record=True)
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


def test_a_narrow_terminal_cuts_the_details_and_no_name(live):
    live.stage_started("ExampleValidator")
    live.progress(
        "ExampleValidator", "compare the data with the schema, and more words than there is room for"
    )
    (line,) = frame(live, width=60)
    assert "ExampleValidator " in line and line.endswith("…") and len(line) <= 60


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


def test_a_live_run_ends_with_its_list_and_its_summary(live, stream):
    with live:
        live.stage_started("Trainer")
        live.stage_finished("Trainer", 61, False)
        live.finish(RunResult(verdict="promoted", version="3", model_path="workspace/serving/books/3"))
    text = stream.getvalue()
    assert text.rindex("Trainer") < text.index("PROMOTED") < text.index("docker run")
