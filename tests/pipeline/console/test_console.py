"""What a run shows, line by line, where there is no terminal; which console is taken where."""

import io
import os
import threading
from contextlib import nullcontext

import pytest

from pipeline.console.live import LiveConsole
from pipeline.console.plain import PlainConsole, SilentConsole, duration
from pipeline.console.stdout import open_console
from pipeline.results.outcome import RunResult


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
        "[00:12] ImdbExampleGen   read the examples and split them",
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


# --- which one


def test_json_gets_a_console_that_shows_nothing(capfd):
    with open_console(as_json=True) as console:
        assert isinstance(console, SilentConsole)
        console.note("x")
        console.stage_started("Trainer")
        console.progress("Trainer", "x")
        console.stage_finished("Trainer", 1.0, False)
        console.stage_failed("Trainer", 1.0, "x")
        console.finish(RunResult(verdict="promoted", version="3"))
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
