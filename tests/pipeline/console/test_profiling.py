"""What `greenlight run --profile` writes: slices of stages, epochs, bundles and Python functions."""

import itertools
import json
import logging
import sys
import threading
import time

import pytest

from pipeline.console import profiling
from pipeline.console.plain import SilentConsole
from pipeline.console.sampling import DEEPEST, Sampler, functions
from pipeline.console.trace import Trace
from pipeline.engine import local_runner
from pipeline.results.outcome import RunResult


class Heard(SilentConsole):
    def __init__(self):
        self.lines = []

    def stage_started(self, name):
        self.lines.append(("started", name))

    def stage_finished(self, name, seconds, cached):
        self.lines.append(("finished", name, cached))

    def stage_failed(self, name, seconds, message):
        self.lines.append(("failed", name, message))

    def progress(self, name, text):
        self.lines.append(("progress", text))

    def note(self, text):
        self.lines.append(("note", text))


@pytest.fixture
def read(tmp_path):
    """The slices and marks that a trace has written, as (group, track, event)."""

    def events(trace):
        trace.write(tmp_path / "trace.json")
        assert [path.name for path in tmp_path.iterdir()] == ["trace.json"]
        document = json.loads((tmp_path / "trace.json").read_text())
        told = document["traceEvents"]
        groups = {e["pid"]: e["args"]["name"] for e in told if e["name"] == "process_name"}
        tracks = {(e["pid"], e["tid"]): e["args"]["name"] for e in told if e["name"] == "thread_name"}
        return [(groups[e["pid"]], tracks[e["pid"], e["tid"]], e) for e in told if e["ph"] in ("X", "i")]

    return events


def test_a_slice_has_its_place_and_its_times(read):
    trace = Trace(started=100.0)
    trace.slice("run", "stages", "Trainer", begin=101.5, end=103.0, outcome="done")
    trace.mark("run", "notes", "Loading ...", at=100.25)
    (_, _, trainer), (group, track, note) = read(trace)
    assert (trainer["ts"], trainer["dur"], trainer["args"]) == (1_500_000, 1_500_000, {"outcome": "done"})
    assert (group, track, note["name"], note["ts"]) == ("run", "notes", "Loading ...", 250_000)


def test_slices_that_follow_one_another_do_not_overlap(read):
    trace, times = Trace(started=0.0), [0.0, 1.4e-6, 2.8e-6, 4.2e-6, 5.6e-6]
    for begin, end in itertools.pairwise(times):
        trace.slice("run", "stages", "one", begin=begin, end=end)
    slices = [(event["ts"], event["ts"] + event["dur"]) for _, _, event in read(trace)]
    assert all(end == begin for (_, end), (begin, _) in itertools.pairwise(slices))


def test_a_run_is_recorded_and_told_as_without(read):
    heard = Heard()
    with profiling.profiled(heard) as (console, trace):
        console.note("Loading ...")
        console.stage_started("Trainer")
        console.progress("Trainer", "encoding 3 and 2 reviews")
        console.progress(
            "Trainer", "epoch 1/40  loss 0.5  accuracy 0.8  val_loss 0.4  val_accuracy 0.9  1.5 s"
        )
        console.stage_finished("Trainer", 2.0, False)
        console.stage_started("Pusher")
        console.stage_failed("Pusher", 0.5, "The disk is full.")
    assert [line[0] for line in heard.lines] == [
        "note", "started", "progress", "progress", "finished", "started", "failed",
    ]  # fmt: skip
    found = {(track, event["name"]): event for group, track, event in read(trace) if group == profiling.GROUP}
    assert found["stages", "Trainer"]["dur"] == 2_000_000
    assert found["stages", "Trainer"]["args"]["outcome"] == "done"
    assert found["stages", "Pusher"]["args"]["outcome"] == "The disk is full."
    assert found["epochs", "epoch 1"]["dur"] == 1_500_000
    assert ("notes", "Trainer: encoding 3 and 2 reviews") in found and ("notes", "Loading ...") in found
    assert ("whole", "greenlight run") in found


def test_beam_s_bundles_are_named_by_their_transforms(read):
    import apache_beam as beam

    from pipeline.config import Settings

    logger = logging.getLogger(profiling.BEAM_LOGGER)
    before = logger.level, logger.propagate, list(logger.handlers)
    with profiling.profiled(Heard()) as (console, trace):
        with beam.Pipeline(argv=Settings().beam.pipeline_args()) as pipeline:
            numbers = pipeline | "Numbers" >> beam.Create([1, 2, 3])
            numbers | "Spread" >> beam.Reshuffle() | "Double" >> beam.Map(lambda number: 2 * number)
        console.stage_finished("ExampleGen", 1.0, False)
    assert (logger.level, logger.propagate, logger.handlers) == before
    names = [event["name"] for group, _, event in read(trace) if group == profiling.BEAM_GROUP]
    assert any("Numbers" in name for name in names)
    assert any("Double" in name for name in names)


def test_functions_are_slices_that_contain_those_they_call(read):
    trace = Trace(started=0.0)
    sampler = Sampler(trace)
    stacks = [
        (0.0, ["main"]),
        (1.0, ["main", "fit", "step"]),
        (2.0, ["main", "fit"]),
        (3.0, ["report"]),
        (4.0, []),
    ]
    for at, stack in stacks:
        sampler._follow(7, stack, at)
    slices = {event["name"]: (event["ts"] / 1e6, event["dur"] / 1e6) for _, _, event in read(trace)}
    assert slices == {"step": (1, 1), "fit": (1, 2), "main": (0, 3), "report": (3, 1)}


def test_threads_at_work_are_sampled_and_those_that_wait_are_not(read):
    trace, seen, idle = Trace(started=time.monotonic()), threading.Event(), threading.Event()

    def one():
        sum(range(10_000))

    def other():
        sum(range(10_000))

    def work():
        while not seen.is_set():
            one()
            other()

    def watch(*given, **details):
        add(*given, **details)
        if given[1].startswith("worker"):
            seen.set()

    add, trace.slice = trace.slice, watch
    threads = [
        threading.Thread(target=work, name="worker"),
        threading.Thread(target=idle.wait, name="waiter"),
    ]
    for thread in threads:
        thread.start()
    with Sampler(trace, seconds_between=0.001):
        threads[0].join(timeout=60)
    seen.set()
    idle.set()
    threads[1].join()
    tracks = {track.split()[0] for _, track, _ in read(trace)}
    assert "worker" in tracks and "waiter" not in tracks


def test_a_stack_is_told_from_the_outside():
    (*_, outer, inner) = functions(_frame())
    assert inner == "_frame (test_profiling.py)"
    assert outer == "test_a_stack_is_told_from_the_outside (test_profiling.py)"


def test_of_a_deep_stack_the_outermost_functions_stay():
    deep = functions(_frame(2 * DEEPEST))
    assert len(deep) == DEEPEST
    assert deep[:3] == functions(_frame())[:3]


def test_of_an_import_the_modules_are_told_alone(tmp_path, monkeypatch):
    (tmp_path / "projected.py").write_text("import sys\nframe = sys._getframe()\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import projected

    (*_, outer, inner) = functions(projected.frame)
    assert inner == "<module> (projected.py)"
    assert outer == "test_of_an_import_the_modules_are_told_alone (test_profiling.py)"


def _frame(deeper=0):
    return _frame(deeper - 1) if deeper else sys._getframe()


def test_the_command_leaves_the_trace_beside_the_log(greenlight, tmp_path, monkeypatch):
    def run(settings, *, console, **_):
        console.stage_finished("Trainer", 1.0, False)
        return RunResult(verdict="failed", error="No.", error_code=1, run="r", log=str(tmp_path / "run.log"))

    monkeypatch.setattr(local_runner, "run", run)
    answer = greenlight("run", "--profile", "--json")
    assert json.loads(answer.stdout)["trace"] == str(tmp_path / "trace.json")
    assert "Trainer" in {
        event["name"] for event in json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    }
    told = greenlight("run", "--profile").stdout
    assert told.endswith(f"  trace   {tmp_path / 'trace.json'}, to be opened at https://ui.perfetto.dev\n")
    assert "trace" not in json.loads(greenlight("run", "--json").stdout)
