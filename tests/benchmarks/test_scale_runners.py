import json
import subprocess
import sys

import pytest
import waiting

from benchmarks.processes import CommandFailed
from benchmarks.scale import runners
from benchmarks.scale.process_tree import ProcessTree
from benchmarks.scale.scratch import Measured

_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what child processes used")
FLINK = "Flink, 1 TaskManager"
SPINS = "import time; end = time.process_time() + 0.5\nwhile time.process_time() < end: pass"


def measured(stage, size, cpu, reviews=None):
    return Measured(
        stage=stage, size=size, reviews=reviews or size, seconds=1, cpu=cpu, process=2, peak_mib=9
    )


def every_stage(size, cpu):
    return [measured(stage, size, cpu) for stage in runners.STAGES]


def test_the_runners_of_a_size_stand_together():
    found = {
        runners.IN_PROCESS: [*every_stage(1000, 10), *every_stage(2000, 11)],
        FLINK: [*every_stage(1000, 30), *every_stage(2000, 33)],
    }
    lines = runners.rows(found)
    assert [line[:3] for line in lines[:4]] == [
        ("ExampleGen", "1,000", runners.IN_PROCESS),
        ("ExampleGen", "1,000", FLINK),
        ("ExampleGen", "2,000", runners.IN_PROCESS),
        ("ExampleGen", "2,000", FLINK),
    ]
    assert lines[1][3:] == ("2.0", "1.0", "30.0", "30,000", "", "9")
    assert lines[3][3:] == ("2.0", "1.0", "33.0", "16,500", "3,000", "9")
    assert all(len(line) == len(runners.HEADER) for line in lines)


def test_a_runner_that_leaves_reviews_out_is_noticed():
    first = every_stage(1000, 10)
    runners.require_same_reviews(first, every_stage(1000, 20))
    with pytest.raises(CommandFailed, match="ExampleGen took 999 reviews instead of 1000"):
        runners.require_same_reviews(first, [measured("ExampleGen", 1000, 20, reviews=999)])


@_LINUX
def test_processes_of_processes_count_while_they_live_and_after_their_end():
    inner = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SPINS!r}])"
    tree = ProcessTree()
    subprocess.run([sys.executable, "-c", inner], check=True)
    ended = tree.cpu
    assert ended >= 0.5
    with subprocess.Popen([sys.executable, "-c", f"{SPINS}\ninput()"], stdin=subprocess.PIPE) as living:
        waiting.until(lambda: tree.cpu >= ended + 0.5)
        living.communicate(b"\n")


@_LINUX
def test_the_memory_of_all_processes_is_sampled():
    tree = ProcessTree()
    holds = "held = bytearray(200 * 2**20)\nprint(len(held), flush=True)\ninput()"
    with (
        tree.sampled(),
        subprocess.Popen(
            [sys.executable, "-c", holds], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process,
    ):
        waiting.until(lambda: tree.peak_mib > 200)
        process.communicate(b"\n")


def test_what_was_measured_on_every_runner_needs_no_engine(tmp_path):
    for number, stage in enumerate(runners.STAGES, 1):
        file = tmp_path / f"1000-in-process-{number}.jsonl"
        file.write_text(json.dumps(vars(measured(stage, 1000, 10))))

    def never():
        raise AssertionError

    runner = runners.Runner(name=runners.IN_PROCESS, opened=never)
    found = runners.measure_runner(runner, 1000, sys.executable, tmp_path)
    assert [one.stage for one in found] == list(runners.STAGES)
