"""`beam.runner = "flink"` on the cluster inside Beam's job server: the same outputs as in process."""

import dataclasses
import gzip
import signal

import pytest
from e2e.engine import expected
from e2e.engine.command_lines import processes_with

from benchmarks.engines.parts import JVM

pytestmark = [pytest.mark.proof, pytest.mark.flink, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def embedded(engine, make_greenlight):
    jar = f"beam.flink_job_server_jar={engine.jar}"
    return make_greenlight("embedded", "beam.runner=flink", jar, f'beam.options=["--parallelism=2", "{JVM}"]')


def test_a_whole_run_comes_to_the_same(in_process, embedded, engine):
    expected.require_same_work(in_process, embedded.promoted(), engine)


def test_the_sentence_of_a_worker_comes_through(in_process, embedded, engine):
    """A packed file that breaks off is found out while it is read, in the worker."""
    packed = gzip.compress(b"text,id\n" + b"".join(b"fine %d,%d\n" % (row, row) for row in range(20_000)))
    broken = embedded.root / "broken.csv.gz"
    broken.write_bytes(packed[: len(packed) // 2])
    here, there = (
        each.run("batch-predict", str(broken), str(embedded.root / "broken-out.csv"))
        for each in (dataclasses.replace(embedded, root=in_process.root, beam=()), embedded)
    )
    assert (there.returncode, errors_of(there)) == (here.returncode, errors_of(here))
    assert here.returncode == 2
    assert processes_with(str(engine.jar)) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_no_job_server_outlives_a_run_that_is_ended(embedded, engine, make_greenlight, number, code):
    ended = make_greenlight(f"ended-{number}", *embedded.beam)
    expected.require_end_of_job_server(ended, engine, number=number, code=code)


def errors_of(done):
    """The message of the error, from its first word on."""
    return done.stderr[done.stderr.index("Error: ") :]
