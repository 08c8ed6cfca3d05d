"""`beam.runner = "flink"` on a standalone cluster: one JobManager and two TaskManagers, each a process."""

import dataclasses
import json
import signal

import pytest
import waiting
from e2e.engine import expected, outputs
from e2e.engine.command_lines import processes_with

from benchmarks.engines import workers

pytestmark = [pytest.mark.proof, pytest.mark.flink, pytest.mark.timeout(2400)]


@pytest.fixture
def beam(engine, cluster):
    """Makes the settings of Beam for the cluster, with options that name its workers."""

    def settings(*options):
        given_options = json.dumps(["--parallelism=2", *options])
        given = {"runner": "flink", "flink_master": cluster.master, "flink_job_server_jar": engine.jar}
        return (*(f"beam.{key}={value}" for key, value in given.items()), f"beam.options={given_options}")

    return settings


def has_running_tasks(cluster) -> bool:
    return any(job["state"] == "RUNNING" and job["tasks"]["running"] for job in cluster.jobs())


def restarts(cluster, name) -> list[str]:
    """The Java classes of what made a job start again."""
    (job,) = (job for job in cluster.jobs() if job["name"] == name)
    found = cluster.get(f"/jobs/{job['jid']}/exceptions")
    return [entry["exceptionName"].rpartition(".")[2] for entry in found["exceptionHistory"]["entries"]]


def test_a_whole_run_comes_to_the_same(in_process, make_greenlight, beam, engine, tmp_path):
    """With workers that the TaskManagers start as processes."""
    started = workers.started_by_the_cluster(engine.python, tmp_path)
    there = make_greenlight("standalone", *beam(*started, "--environment_cache_millis=60000")).promoted()
    expected.require_same_work(in_process, there, engine)


def test_a_job_ends_right_that_loses_a_task_manager(in_process, beam, cluster, pool):
    known = {job["name"] for job in cluster.jobs()}
    there = dataclasses.replace(in_process, beam=beam(*workers.of_a_pool(pool)))
    with there.started(*there.prediction("lost.csv")) as command:
        waiting.until(lambda: has_running_tasks(cluster), seconds=900)
        lost = cluster.task_managers[0]
        lost.kill()
        cluster.start("taskmanager")  # as Kubernetes or systemd would
        _, said = command.communicate(timeout=1200)
    assert command.returncode == 0, said
    outputs.require_same_predictions(in_process.root / "out.csv", in_process.root / "lost.csv")
    (name,) = {job["name"] for job in cluster.jobs()} - known
    assert restarts(cluster, name), "the job has noticed nothing"
    assert "job on Flink running" in said


def test_a_full_cluster_is_said_and_ctrl_c_ends_a_job(in_process, beam, cluster, no_worker, engine):
    there = dataclasses.replace(in_process, beam=beam(*workers.of_a_pool(no_worker)))
    waiting.until(lambda: cluster.overview()["slots-available"] == 2)
    with there.started(*there.prediction("first.csv")) as first:
        waiting.until(lambda: cluster.overview()["slots-available"] == 0, seconds=900)
        second = there.run(*there.prediction("second.csv"))
        assert second.returncode == 1, second.stderr
        assert f"The Flink cluster at {cluster.master} is full" in second.stderr
        assert "Traceback" not in second.stderr
        first.send_signal(signal.SIGINT)
        _, said = first.communicate(timeout=600)
    assert first.returncode == 130, said
    waiting.until(lambda: cluster.overview()["slots-available"] == 2)
    assert {"RUNNING", "CREATED"}.isdisjoint(job["state"] for job in cluster.jobs())
    assert processes_with(str(engine.jar)) == []
