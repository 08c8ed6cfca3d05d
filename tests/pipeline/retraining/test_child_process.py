"""Child processes, whose lock tells whether they are alive."""

import os
import signal
import threading

import pytest

from pipeline.retraining.child_process import Child, is_alive


@pytest.fixture
def child(tmp_path, monkeypatch):
    """Starts a module made of this text."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    started = []

    def start(text):
        (tmp_path / "some_module.py").write_text(text)
        started.append(Child("some_module", ["an argument"], folder=tmp_path / "child"))
        return started[-1]

    yield start
    stop = threading.Event()
    stop.set()
    for one in started:
        one.wait(stop, stop_seconds=1)


WAITS = "import signal; signal.pause()"


def test_its_answer_and_its_last_words_are_kept(child):
    one = child("import sys; print(sys.argv[1:]); print('oh no', file=sys.stderr); sys.exit(3)")
    assert one.wait(threading.Event(), stop_seconds=1) == 3
    assert (one.output(), one.error_output()) == ("['an argument']\n", "oh no")


def test_it_is_alive_until_it_is_dead_however_it_died(child, tmp_path):
    assert not is_alive(tmp_path / "child")
    one = child(WAITS)
    assert is_alive(tmp_path / "child")
    os.kill(one.pid, signal.SIGKILL)
    assert one.wait(threading.Event(), stop_seconds=1) == -signal.SIGKILL
    assert not is_alive(tmp_path / "child")


def test_it_does_not_get_the_terminals_ctrl_c(child):
    one = child(WAITS)
    assert os.getpgid(one.pid) != os.getpgid(0)


def test_our_own_packages_come_before_those_of_the_current_folder(child, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pipeline.py").write_text("raise SystemExit('the wrong one')")
    one = child("import pipeline.retraining; print('the right one')")
    one.wait(threading.Event(), stop_seconds=1)
    assert one.output() == "the right one\n"
