"""The capture of a process's output: everything lands in the log, and the screen comes back."""

import logging
import os
import subprocess
import sys
import textwrap
import threading
import warnings
from pathlib import Path

import pytest

from components.errors import GreenlightError
from pipeline.console import run_log

ROOT = Path(__file__).parents[3]


def run_script(tmp_path, script):
    """Runs a script that captures into `log`; returns its standard output, standard error and the log."""
    log = tmp_path / "runs" / "a" / "run.log"
    text = "import pathlib, os, sys, subprocess\nfrom pipeline.console import run_log\n"
    text += f"log = pathlib.Path({str(log)!r})\n"
    command = [sys.executable, "-c", text + textwrap.dedent(script)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=environment)
    return done.stdout, done.stderr, log.read_text()


def test_everything_a_process_writes_goes_to_the_log_and_the_console_keeps_the_screen(tmp_path):
    out, err, log = run_script(
        tmp_path,
        """
        print("before")
        with run_log.real_stdout() as console, run_log.capture(log):
            print("python out")
            print("python err", file=sys.stderr)
            os.write(1, b"descriptor 1\\n")
            os.write(2, b"descriptor 2\\n")
            subprocess.run(["sh", "-c", "echo child out; echo child err >&2"], check=True)
            console.write("for the person\\n")
        print("after")
        print("after err", file=sys.stderr)
        """,
    )
    assert out.splitlines() == ["before", "for the person", "after"]
    assert err.splitlines() == ["after err"]
    assert sorted(log.splitlines()) == [
        "child err", "child out", "descriptor 1", "descriptor 2", "python err", "python out",
    ]  # fmt: skip


def test_what_c_code_left_in_its_buffer_does_not_come_out_later(tmp_path):
    out, _, log = run_script(
        tmp_path,
        """
        import ctypes
        c = ctypes.CDLL(None)
        with run_log.capture(log):
            c.printf(b"from C\\n")
        print('{"verdict": "promoted"}')
        """,
    )
    assert out == '{"verdict": "promoted"}\n'
    assert log == "from C\n"


def test_a_closed_standard_output_is_no_obstacle(tmp_path):
    _, _, log = run_script(
        tmp_path,
        """
        os.close(1)
        with run_log.capture(log):
            os.write(1, b"noise\\n")
        """,
    )
    assert log == "noise\n"


@pytest.fixture
def log(tmp_path):
    return tmp_path / "run.log"


def test_descriptors_streams_and_loggers_are_put_back_after_an_error(log):
    before = (
        os.fstat(1),
        os.fstat(2),
        sys.stdout,
        sys.stderr,
        logging.root.level,
        list(logging.root.handlers),
    )
    with pytest.raises(ZeroDivisionError), run_log.capture(log):
        print("inside")
        raise ZeroDivisionError
    after = (
        os.fstat(1),
        os.fstat(2),
        sys.stdout,
        sys.stderr,
        logging.root.level,
        list(logging.root.handlers),
    )
    assert [after[0].st_ino, after[1].st_ino, *after[2:]] == [before[0].st_ino, before[1].st_ino, *before[2:]]
    assert "inside\n" in log.read_text()


def test_no_descriptor_is_left_open(log):
    def open_descriptors():
        return len(os.listdir("/dev/fd"))

    with run_log.capture(log):
        pass
    before = open_descriptors()
    for _ in range(5):
        with run_log.capture(log):
            print("x")
    assert open_descriptors() == before


def test_records_and_warnings_are_in_the_log_with_time_level_and_name(log):
    with run_log.capture(log):
        logging.getLogger("beam").info("a bundle")
        logging.getLogger("beam").debug("too much")
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("old call", stacklevel=1)
    lines = log.read_text().splitlines()
    assert lines[0].endswith(" INFO    [MainThread] beam: a bundle")
    assert any("old call" in line for line in lines)
    assert not any("too much" in line for line in lines)


@pytest.fixture
def failures(monkeypatch):
    """What logging could not write: it prints such errors, and raises none."""
    met = []
    monkeypatch.setattr(
        logging.StreamHandler, "handleError", lambda handler, record: met.append(sys.exc_info()[1])
    )
    return met


def test_a_handler_made_meanwhile_may_log_on_afterwards(log, failures):
    with run_log.capture(log):
        handler = logging.StreamHandler(sys.stderr)
    logger = logging.getLogger("late")
    logger.addHandler(handler)
    try:
        logger.warning("still works")
    finally:
        logger.removeHandler(handler)
    assert failures == []
    assert not handler.stream.closed


def test_a_second_capture_is_refused_and_does_not_disturb_the_first(log, tmp_path):
    refusals = []

    def other():
        try:
            with run_log.capture(tmp_path / "other.log"):
                pass
        except GreenlightError as error:
            refusals.append(str(error))

    with run_log.capture(log):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        print("mine")
    assert refusals == ["Another run is active in this process and captures all output. Wait for its end."]
    assert "mine" in log.read_text()


def test_lines_of_many_threads_arrive_whole(log):
    def write(number):
        for _ in range(200):
            os.write(1, f"thread {number} says a line\n".encode())

    with run_log.capture(log):
        threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    lines = [line for line in log.read_text().splitlines() if line.startswith("thread")]
    assert sorted(set(lines)) == [f"thread {number} says a line" for number in range(4)]
    assert len(lines) == 800


def test_a_second_run_appends_to_its_log(log):
    for text in ("one", "two"):
        with run_log.capture(log):
            print(text)
    assert log.read_text().splitlines() == ["one", "two"]


def test_a_log_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    log = tmp_path / "file" / "run.log"
    with pytest.raises(GreenlightError, match=f"The log {log} cannot be written: "), run_log.capture(log):
        pass
    with run_log.capture(tmp_path / "run.log"):
        pass
