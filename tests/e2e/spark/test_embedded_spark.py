"""`beam.runner = "spark"` with Spark inside Beam's job server: the same outputs as in process."""

import signal

import pytest
from e2e.engine import expected

from benchmarks.engines.parts import JVM

pytestmark = [pytest.mark.proof, pytest.mark.spark, pytest.mark.timeout(2400)]


@pytest.fixture(scope="module")
def embedded(engine, make_greenlight):
    given = {"runner": "spark", "spark_master": "local[2]", "spark_job_server_jar": engine.jar}
    return make_greenlight(
        "embedded", *(f"beam.{key}={value}" for key, value in given.items()), f'beam.options=["{JVM}"]'
    )


def test_a_whole_run_comes_to_the_same(in_process, embedded, engine):
    expected.require_same_work(in_process, embedded.promoted(), engine)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_no_job_server_outlives_a_run_that_is_ended(embedded, engine, make_greenlight, number, code):
    ended = make_greenlight(f"ended-{number}", *embedded.beam)
    expected.require_end_of_job_server(ended, engine, number=number, code=code)
