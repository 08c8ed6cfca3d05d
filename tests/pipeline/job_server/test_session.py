"""The jobs of a command: what is said of those that fail, and what becomes of those that it leaves."""

import threading

import pytest

from components.errors import GreenlightError, MachineFault
from pipeline.job_server import session
from pipeline.job_server.engine import Unschedulable
from pipeline.job_server.flink_cluster import FlinkCluster
from pipeline.job_server.flink_engine import FlinkJobs
from pipeline.job_server.session import Session
from pipeline.settings.beam import BeamSettings


def job(name, state):
    return {"jid": f"id-of-{name}", "name": name, "state": state, "start-time": 1, "tasks": {"total": 1}}


@pytest.fixture
def on_cluster(flink):
    return Session(None, FlinkJobs(FlinkCluster(flink.address)), lambda line: None)


def failed_for(flink, name, *classes, cause="java.lang.Other", frame="x.Y.z(Y.java:1)", state="FAILED"):
    found = job(name, state)
    flink.answer_json("/jobs/overview", {"jobs": [found]})
    history = {
        "entries": [
            {
                "exceptionName": each,
                "stacktrace": f"{each}: why\n\tat {frame}\nCaused by: {cause}: why\n",
            }
            for each in classes
        ]
    }
    flink.answer_json(f"/jobs/{found['jid']}/exceptions", {"exceptionHistory": history})


def test_a_job_without_slots_is_said_to_have_met_a_full_cluster(on_cluster, flink):
    package = "org.apache.flink.runtime.jobmanager.scheduler"
    with pytest.raises(MachineFault) as refused, on_cluster.job() as name:
        failed_for(flink, name, "java.lang.Other", f"{package}.NoResourceAvailableException")
        raise RuntimeError("Pipeline failed")
    assert str(refused.value) == (
        f"The Flink cluster at {flink.address} is full: no slot was free in time for the job (it has 2 task "
        "managers with 4 slots). Wait for its other jobs, add task managers, or lower --parallelism in "
        "beam.options."
    )


def test_the_cause_counts_that_flink_wraps(on_cluster, flink):
    with pytest.raises(MachineFault, match="is full"), on_cluster.job() as name:
        failed_for(
            flink, name, "org.apache.flink.runtime.JobException", cause="a.b.NoResourceAvailableException"
        )
        raise RuntimeError("Pipeline failed")


@pytest.mark.parametrize("lost", ["JobMasterException", "RemoteTransportException"])
def test_a_task_manager_that_was_lost_is_said(on_cluster, flink, lost):
    with pytest.raises(MachineFault) as failed, on_cluster.job() as name:
        failed_for(flink, name, "org.apache.flink.runtime.JobException", cause=f"a.b.{lost}")
        raise RuntimeError("Pipeline failed")
    assert str(failed.value) == (
        f"The Flink cluster at {flink.address} lost a task manager during the job. Run the command again; "
        "docs/scaling.md has the restart strategy with which a job outlives the loss."
    )


@pytest.mark.parametrize(
    ("listener", "lost"),
    [("JobMaster$TaskManagerHeartbeatListener", True), ("JobMaster$ResourceManagerHeartbeatListener", False)],
)
def test_a_task_manager_without_heartbeats_is_lost_and_no_other_timeout_is_that(
    on_cluster, flink, listener, lost
):
    frame = f"org.apache.flink.runtime.jobmaster.{listener}.notifyHeartbeatTimeout(JobMaster.java:1641)"
    expected = pytest.raises(
        MachineFault if lost else RuntimeError, match="lost a task" if lost else "Pipeline"
    )
    with expected, on_cluster.job() as name:
        failed_for(flink, name, "java.util.concurrent.TimeoutException", frame=frame)
        raise RuntimeError("Pipeline failed")


def test_a_job_that_outlived_a_loss_and_failed_by_itself_keeps_its_own_error(on_cluster, flink):
    with pytest.raises(RuntimeError, match="Pipeline failed"), on_cluster.job() as name:
        failed_for(flink, name, "java.lang.RuntimeException", "a.b.RecipientUnreachableException")
        raise RuntimeError("Pipeline failed")


def test_a_job_that_outlived_a_loss_and_still_runs_keeps_the_error_of_its_job_server(on_cluster, flink):
    with pytest.raises(RuntimeError, match="Pipeline failed"), on_cluster.job() as name:
        failed_for(flink, name, "a.b.JobMasterException", state="RUNNING")
        raise RuntimeError("Pipeline failed")


def test_a_job_that_failed_by_itself_keeps_its_own_error(on_cluster, flink):
    with pytest.raises(RuntimeError, match="Pipeline failed"), on_cluster.job() as name:
        failed_for(flink, name, "java.lang.RuntimeException")
        raise RuntimeError("Pipeline failed")


def test_a_cluster_that_has_gone_is_said(on_cluster, flink):
    with pytest.raises(MachineFault, match="no Flink cluster answers there"), on_cluster.job():
        flink.shutdown()
        flink.server_close()
        raise RuntimeError("Pipeline failed")


def test_a_job_that_was_interrupted_is_canceled_and_a_finished_one_left_alone(on_cluster, flink):
    with on_cluster.job() as finished:
        pass
    with pytest.raises(KeyboardInterrupt), on_cluster.job() as name:
        raise KeyboardInterrupt
    running = [job(name, "RUNNING"), job(finished, "FINISHED")]
    flink.answer_json("/jobs/overview", {"jobs": running})
    on_cluster.cancel_jobs()
    assert [asked for asked in flink.asked if asked.startswith("PATCH")] == [
        f"PATCH /jobs/id-of-{name}?mode=cancel"
    ]


def test_a_job_that_goes_on_after_its_job_server_died_is_canceled(on_cluster, flink):
    with pytest.raises(RuntimeError, match="lost"), on_cluster.job() as name:
        flink.answer_json("/jobs/overview", {"jobs": [job(name, "RUNNING")]})
        flink.answer_json(f"/jobs/id-of-{name}/exceptions", {})
        raise RuntimeError("the connection was lost")
    on_cluster.cancel_jobs()
    assert f"PATCH /jobs/id-of-{name}?mode=cancel" in flink.asked


def test_a_job_that_failed_is_not_canceled(on_cluster, flink):
    with pytest.raises(RuntimeError), on_cluster.job() as name:
        failed_for(flink, name, "java.lang.RuntimeException")
        raise RuntimeError("Pipeline failed")
    on_cluster.cancel_jobs()
    assert not [asked for asked in flink.asked if asked.startswith("PATCH")]


def test_a_job_that_waits_in_vain_ends_the_job_server(on_cluster):
    class Server:
        stopped = threading.Event()

        def stop(self):
            self.stopped.set()

    class FullCluster:
        def progress(self, name):
            raise Unschedulable("full")

    session = Session(Server(), FullCluster(), pytest.fail)
    with pytest.raises(MachineFault, match="full"), session.job():
        assert Server.stopped.wait(60)
        raise RuntimeError("the connection was lost")


def test_other_runners_start_no_job_server(tmp_path):
    opened = session.opened(BeamSettings(), cache=tmp_path, progress=pytest.fail)
    with opened, pytest.raises(GreenlightError, match="which start the job server"):
        session.current()
