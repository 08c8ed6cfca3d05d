"""`beam.runner = "spark"` with Spark inside Beam's job server: the same outputs as in process."""

import signal

import pytest
import waiting
from e2e.engine import outputs
from e2e.engine.command_lines import processes_with
from e2e.engine.parts import JVM

pytestmark = [pytest.mark.proof, pytest.mark.spark, pytest.mark.timeout(2400)]


@pytest.fixture(scope="module")
def embedded(engine, make_greenlight):
    given = {"runner": "spark", "spark_master": "local[2]", "spark_job_server_jar": engine.jar}
    return make_greenlight(
        "embedded", *(f"beam.{key}={value}" for key, value in given.items()), f'beam.options=["{JVM}"]'
    )


def test_a_whole_run_comes_to_the_same(in_process, embedded, engine):
    embedded.promoted()
    outputs.require_same_run(in_process.root, embedded.root)
    outputs.require_same_predictions(in_process.root / "out.csv", embedded.root / "out.csv")
    assert processes_with(str(engine.jar)) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_no_job_server_outlives_a_run_that_is_ended(embedded, engine, make_greenlight, number, code):
    ended = make_greenlight(f"ended-{number}", *embedded.beam)
    with ended.started("run") as run:
        waiting.until(lambda: processes_with(str(engine.jar)), seconds=600)
        waiting.until(lambda: list(ended.root.glob("artifacts/**/ImdbExampleGen")), seconds=600)
        run.send_signal(number)
        _, said = run.communicate(timeout=300)
    assert (run.returncode, "Traceback" in said) == (code, False), said
    waiting.until(lambda: not processes_with(str(engine.jar)))
