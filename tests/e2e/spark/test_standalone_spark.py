"""`beam.runner = "spark"` on a standalone cluster: a master and two workers, each a process."""

import dataclasses
import json
import os
import signal

import pytest
import waiting
from e2e.engine import expected, outputs
from e2e.engine.command_lines import processes_with

from benchmarks.engines import workers
from benchmarks.engines.parts import JVM
from pipeline.beam_worker import process

pytestmark = [pytest.mark.proof, pytest.mark.spark, pytest.mark.timeout(2400)]


@pytest.fixture
def beam(engine, cluster, libraries):
    """Makes the settings of Beam for the cluster, with options that name its workers."""

    def settings(*options, **more):
        class_path = f"--job_server_jvm_properties=-Dspark.executor.extraClassPath={libraries}"
        given = {
            "runner": "spark",
            "spark_master": cluster.master,
            "spark_master_page": cluster.page,
            "spark_job_server_jar": engine.jar,
            "options": json.dumps([JVM, class_path, *options]),
            **more,
        }
        return tuple(f"beam.{key}={value}" for key, value in given.items())

    return settings


def test_a_whole_run_comes_to_the_same(in_process, make_greenlight, beam, engine, pool):
    there = make_greenlight("standalone", *beam(*workers.of_a_pool(pool))).promoted()
    expected.require_same_work(in_process, there, engine)


def test_a_job_ends_right_that_loses_a_worker(in_process, beam, cluster, engine, tmp_path):
    there = dataclasses.replace(
        in_process, beam=beam(*workers.started_by_the_cluster(engine.python, tmp_path))
    )
    with there.started(*there.prediction("lost.csv")) as command:
        waiting.until(lambda: any(map(cluster.beam_workers, cluster.workers)), seconds=900)
        lost = next(filter(cluster.beam_workers, cluster.workers))
        executors, orphans = cluster.executors(lost), cluster.beam_workers(lost)
        lost.kill()
        for executor in executors:  # which would outlive its worker for a while
            os.kill(executor, signal.SIGKILL)
        cluster.start_worker()  # as Kubernetes or systemd would
        _, said = command.communicate(timeout=1200)
    assert command.returncode == 0, said
    outputs.require_same_predictions(in_process.root / "out.csv", in_process.root / "lost.csv")
    assert "job on Spark running" in said
    assert "DEAD" in {worker["state"] for worker in cluster.state()["workers"]}
    waiting.until(lambda: orphans.isdisjoint(processes_with(process.__name__)))


def test_a_full_cluster_is_said_and_ctrl_c_ends_an_application(in_process, beam, cluster, no_worker, engine):
    first, second = (
        dataclasses.replace(in_process, beam=beam(*workers.of_a_pool(no_worker), spark_wait_seconds=wait))
        for wait in (900, 5)
    )
    waiting.until(lambda: cluster.cores_used() == 0)
    with first.started(*first.prediction("first.csv")) as running:
        waiting.until(lambda: cluster.cores_used() == 2, seconds=900)
        refused = second.run(*second.prediction("second.csv"))
        assert refused.returncode == 1, refused.stderr
        assert f"The Spark cluster at {cluster.master} is full" in refused.stderr
        assert "Traceback" not in refused.stderr
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=600)
    assert running.returncode == 130, said
    waiting.until(lambda: cluster.cores_used() == 0 and not cluster.applications())
    assert processes_with(str(engine.jar)) == []
