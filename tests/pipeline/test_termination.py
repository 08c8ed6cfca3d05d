"""SIGTERM ends a run as Ctrl-C does, with words and a code of its own."""

import os
import signal
import threading

import processes
import pytest

from pipeline.settings.beam import IN_PROCESS_RUNNER
from pipeline.termination import (
    EXIT_CODES,
    NOTHING_IS_KEPT,
    STAGES_ARE_KEPT,
    Terminated,
    as_interruption,
    interruption_behind,
)


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (signal.SIGTERM, 143, "Ended by SIGTERM. All is kept."),
        (signal.SIGHUP, 129, "Ended by SIGHUP, as when its terminal is closed. All is kept."),
        (signal.SIGINT, 130, "Interrupted by Ctrl-C. All is kept."),
    ],
)
def test_a_signal_is_an_interruption_within_and_what_it_was_before_afterwards(number, code, said):
    before = signal.signal(number, signal.default_int_handler)
    try:
        with pytest.raises(Terminated) as ended, as_interruption("All is kept."):
            os.kill(os.getpid(), number)
            threading.Event().wait(10)
        assert (ended.value.exit_code, str(ended.value)) == (code, said)
        assert code in EXIT_CODES
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, before)


def test_an_interruption_that_beam_tells_in_a_text_is_one():
    with pytest.raises(Terminated) as ended, as_interruption("All is kept."):
        try:
            os.kill(os.getpid(), signal.SIGINT)
            threading.Event().wait(10)
        except Terminated as error:
            raise RuntimeError(f"bundle failed: {error!r}") from None
    assert (ended.value.exit_code, ended.value.kept) == (130, "All is kept.")
    with pytest.raises(RuntimeError, match="bundle failed"), as_interruption():
        raise RuntimeError("bundle failed")


def test_a_signal_that_is_ignored_stays_so():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as `nohup` has it
    try:
        with as_interruption():
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


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


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("SIGTERM", f"Ended by SIGTERM. {STAGES_ARE_KEPT}"),
        ("SIGHUP", f"Ended by SIGHUP, as when its terminal is closed. {STAGES_ARE_KEPT}"),
        ("SIGINT", f"Interrupted by Ctrl-C. {STAGES_ARE_KEPT}"),
    ],
)
def test_a_run_that_is_told_to_end_says_so_and_how_to_go_on(tmp_path, number, said):
    code = 128 + signal.Signals[number]
    script = (
        "import os, signal, sys, threading\nfrom pipeline import cli\n"
        f"signal.signal(signal.{number}, signal.SIG_DFL)\n"  # a job in the background ignores some
        "class Runner:\n"
        "    @staticmethod\n"
        "    def run(settings, **options):\n"
        "        threading.Thread(target=threading.Event().wait, args=(60,)).start()\n"
        f"        os.kill(os.getpid(), signal.{number})\n"
        "        threading.Event().wait(60)\n"
        "import pipeline.engine\n"
        "sys.modules['pipeline.engine.local_runner'] = pipeline.engine.local_runner = Runner\n"
        "cli.main()\n"
    )
    done = processes.python("-c", script, "run", "--json", folder=tmp_path)
    assert (done.returncode, done.stderr.strip()) == (code, said)
    assert '"verdict": "failed"' in done.stdout and f'"error_code": {code}' in done.stdout


def test_any_other_command_says_so_too(tmp_path):
    script = (
        "import os, signal, threading\nimport click\nfrom pipeline import cli\n"
        "def trial():\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    threading.Event().wait(60)\n"
        "import pipeline.commands.run as module\n"
        "module.trial = click.command()(trial)\n"
        "cli.COMMANDS = {'Trial': {'trial': cli.Entry('run', 'A trial.')}}\n"
        "cli.main()\n"
    )
    done = processes.python("-c", script, "trial", folder=tmp_path)
    assert (done.returncode, done.stderr.strip()) == (143, f"Ended by SIGTERM. {NOTHING_IS_KEPT}")
