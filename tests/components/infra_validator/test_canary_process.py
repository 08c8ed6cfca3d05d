"""How the process is watched over, shown with small Python programs in TensorFlow's place."""

import os
import sys
import time

import pytest

from components.infra_validator import process
from components.infra_validator.checks import canary_results, checks
from components.infra_validator.process import CanaryProcess, Ended
from components.infra_validator.settings import InfraSettings
from serving.canary import Request, memory_mib_of

REQUEST = Request(model="nowhere", canaries=(), batch_size=2, alarm_seconds=60)
BEGIN = """
import json, os, signal, sys, time
records = open(sys.argv[1], "a")
def emit(**record):
    print(json.dumps(record), file=records, flush=True)
emit(step="import")
emit(step="import", seconds=1.0)
"""
EMPTY_BATCH = 'emit(step="answer", signature="serving_default", canaries=[])\n'


@pytest.fixture
def run(tmp_path):
    """Runs a program as if it were the canary process."""

    def start(program: str, *, timeout_seconds: float = 20, max_memory_mb: float = 1000) -> Ended:
        script = tmp_path / "program.py"
        script.write_text(BEGIN + program)
        with CanaryProcess([sys.executable, str(script)]) as started:
            return started.run(REQUEST, timeout_seconds=timeout_seconds, max_memory_mb=max_memory_mb)

    return start


def said(ended: Ended, **limits) -> list[str]:
    found = checks(canary_results(ended, request=REQUEST), InfraSettings(**limits))
    return [problem for check in found for problem in check.problems]


def test_a_process_that_ends_well(run):
    ended = run('emit(step="done")')

    assert ended.why is None
    assert [record["step"] for record in ended.records] == ["import", "import", "done"]


def test_a_hung_model_is_killed_and_named(run):
    started = time.monotonic()
    ended = run('emit(step="load")\ntime.sleep(60)', timeout_seconds=0.3)

    assert time.monotonic() - started < 10
    (problem,) = said(ended)
    assert problem.startswith(
        "the process that served it was killed after 0.3 seconds (infra.timeout_seconds)"
    )
    assert problem.endswith(" while loading the model")


@pytest.mark.parametrize(
    ("program", "where"),
    [
        ("", "after importing TensorFlow"),
        ('emit(step="load")', "while loading the model"),
        ('emit(step="load", seconds=1.0, signatures={})', "after loading the model"),
        (EMPTY_BATCH, "at the empty batch through serving_default"),
        (
            'emit(step="answer", signature="tf_example", canaries=["emoji"], error="no")',
            "after emoji through tf_example",
        ),
        ('emit(step="latency")', "while timing calls"),
    ],
)
def test_an_end_without_an_error_before_the_last_step_is_named(run, program, where):
    assert said(run(program))[0] == f"the process that served it ended without an error {where}"


def test_a_crash_is_named_with_its_canary(run):
    ended = run(EMPTY_BATCH + "os.kill(os.getpid(), signal.SIGSEGV)")

    assert said(ended) == [
        "the process that served it was ended by SIGSEGV at the empty batch through serving_default"
    ]


def test_the_system_s_kill_is_explained(run):
    (problem,) = said(run("os.kill(os.getpid(), signal.SIGKILL)"))

    assert problem == (
        "the process that served it was ended by SIGKILL, as the system does when memory runs out "
        "after importing TensorFlow"
    )


def test_an_exit_code_and_the_end_of_the_log_are_kept(run):
    ended = run('print("no space left", file=sys.stderr)\nsys.exit(3)')

    assert (ended.why, ended.log) == ("ended with exit code 3", "no space left\n")


def test_a_memory_hog_is_killed_or_at_least_named(run):
    # Linux tells another process's memory, so that the hog is gone long before it would say so itself.
    hog = "hog = b'x' * 400_000_000\ntime.sleep(3)\nemit(step='memory', mib=400)\nemit(step='done')"
    *_, problem = said(run(EMPTY_BATCH + hog, max_memory_mb=200), max_memory_mb=200)

    assert " MiB" in problem
    assert "the limit is 200 (infra.max_memory_mb)" in problem


@pytest.mark.proof
def test_what_the_process_started_dies_with_it(run, tmp_path):
    child = tmp_path / "child"
    program = f"""
import subprocess
child = subprocess.Popen(["sleep", "60"])
open({str(child)!r}, "w").write(str(child.pid))
time.sleep(60)
"""
    run(program, timeout_seconds=4)

    with pytest.raises(ProcessLookupError):
        for _ in range(100):
            os.kill(int(child.read_text()), 0)
            time.sleep(0.05)


def test_a_record_that_was_cut_off_is_left_out(run):
    ended = run('records.write(\'{"step": "lo\')\nrecords.flush()\nos._exit(1)')

    assert [record["step"] for record in ended.records] == ["import", "import"]


def test_a_process_that_never_began():
    with CanaryProcess([sys.executable, "-c", "raise SystemExit(7)"]) as started:
        ended = started.run(REQUEST, timeout_seconds=5, max_memory_mb=1000)

    assert said(ended) == ["the process that served it ended with exit code 7 before it began"]


def test_peak_memory_is_read_from_linux_s_status():
    assert memory_mib_of("Name:\tpython\nVmPeak:\t  99 kB\nVmHWM:\t  2048 kB\n") == 2.0
    assert memory_mib_of("Name:\tzombie\n") == 0.0


def test_a_process_started_early_is_used_once_and_only_while_it_is_wanted(monkeypatch):
    monkeypatch.setattr(process.CanaryProcess.__init__, "__defaults__", ((sys.executable, "-c", "input()"),))

    with process.started_early():
        early = process.fresh()
        later = process.fresh()
        assert early is not later
    for each in (early, later):
        each.close()
    assert process._early == []


def test_a_process_nobody_asked_for_is_ended(monkeypatch):
    monkeypatch.setattr(process.CanaryProcess.__init__, "__defaults__", ((sys.executable, "-c", "input()"),))

    with process.started_early():
        waiting = process._early[0]._process
        assert waiting.poll() is None

    assert waiting.returncode is not None


@pytest.mark.parametrize(
    ("program", "fault"),
    [
        ('emit(step="done")', None),
        ('emit(step="load")\nos.kill(os.getpid(), signal.SIGKILL)', "machine"),
        ('emit(step="load")\nos.kill(os.getpid(), signal.SIGTERM)', "machine"),
        ('emit(step="load")\nos.kill(os.getpid(), signal.SIGBUS)', "machine"),
        ('emit(step="load")\nos.kill(os.getpid(), signal.SIGSEGV)', "crash"),
        ('emit(step="load")\nos.abort()', "crash"),
        ('emit(step="load")\nsys.exit(3)', "crash"),
        ("os.abort()", "machine"),  # TensorFlow is there, the model was not touched
        ("sys.exit(3)", "machine"),
        ('emit(step="load")\nemit(step="machine", error="no memory")\nsys.exit(os.EX_OSERR)', "machine"),
        (EMPTY_BATCH + "hog = b'x' * 400_000_000\ntime.sleep(20)", "memory limit"),
    ],
)
def test_who_is_to_blame_for_an_end(run, program, fault):
    assert run(program, max_memory_mb=200).fault == fault


def test_a_hang_is_the_model_s_and_a_stopped_process_is_not(run, monkeypatch):
    monkeypatch.setattr(process, "_seconds_without_processor", lambda pid: 0.0)  # however busy this machine
    assert run('emit(step="load")\ntime.sleep(60)', timeout_seconds=0.3).fault == "hang"
    stopped = run('emit(step="load")\nos.kill(os.getpid(), signal.SIGSTOP)', timeout_seconds=0.3)
    assert (stopped.fault, stopped.why) == (
        "machine",
        "was killed after 0.3 seconds (infra.timeout_seconds), stopped by a signal",
    )


def test_a_process_without_a_processor_did_not_hang(run, monkeypatch):
    seconds = iter([1.0, 1.2])
    monkeypatch.setattr(process, "_seconds_without_processor", lambda pid: next(seconds))
    starved = run('emit(step="load")\ntime.sleep(60)', timeout_seconds=0.3)
    assert starved.fault == "machine"
    assert starved.why.endswith("without a processor")
