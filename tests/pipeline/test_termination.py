"""SIGTERM ends a run as Ctrl-C does, with words and a code of its own."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pipeline.config import IN_PROCESS_RUNNER
from pipeline.termination import MESSAGE, Terminated, as_interruption, interruption_behind

ROOT = Path(__file__).parents[2]


def test_sigterm_is_an_interruption_within_and_what_it_was_before_afterwards():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Terminated), as_interruption():
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(10)
    assert signal.getsignal(signal.SIGTERM) is before


def test_in_another_thread_nothing_is_touched():
    seen = []

    def look():
        with as_interruption():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]


@pytest.mark.parametrize("kind", [Terminated, KeyboardInterrupt])
def test_it_is_found_behind_what_beam_makes_of_it(kind):
    import apache_beam as beam

    def interrupt(_):
        raise kind

    with pytest.raises(Exception) as caught, beam.Pipeline(IN_PROCESS_RUNNER) as pipeline:
        pipeline | beam.Create([1]) | beam.Map(interrupt)
    assert type(interruption_behind(caught.value)) is kind


def test_words_alone_are_no_interruption():
    assert interruption_behind(RuntimeError("KeyboardInterrupt: pipeline.termination.Terminated")) is None


def test_a_run_that_is_told_to_end_says_so_with_code_143(tmp_path):
    script = (
        "import os, signal, sys, threading\nfrom pipeline import cli\n"
        "class Runner:\n"
        "    @staticmethod\n"
        "    def run(settings, **options):\n"
        "        threading.Thread(target=threading.Event().wait, args=(60,)).start()\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "        threading.Event().wait(60)\n"
        "import pipeline.engine\n"
        "sys.modules['pipeline.engine.local_runner'] = pipeline.engine.local_runner = Runner\n"
        "cli.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "run", "--json"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr.strip()) == (143, MESSAGE)
    assert '"verdict": "failed"' in done.stdout and '"error_code": 143' in done.stdout
