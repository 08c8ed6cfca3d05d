"""A Flink cluster's REST API: what it says of the cluster and of jobs, and what answers in its place."""

import socket

import pytest

from components.errors import InputError, MachineFault
from pipeline.job_server.flink_cluster import FlinkCluster, Job, Overview

TASKS = {"total": 7, "finished": 3, "running": 2}


def job(name, state, *, started=1, tasks=TASKS):
    return {"jid": f"{name}-{started}", "name": name, "state": state, "start-time": started, "tasks": tasks}


@pytest.mark.parametrize("prefix", ["", "http://"])
def test_the_overview_has_version_and_slots(flink, prefix):
    assert FlinkCluster(prefix + flink.address).overview() == Overview(
        version="1.18.1", task_managers=2, slots=4, free_slots=4
    )


def test_a_job_is_found_by_its_name(flink):
    jobs = [job("ours", "CANCELED"), job("ours", "RUNNING", started=2), job("other", "FAILED", started=3)]
    flink.answer_json("/jobs/overview", {"jobs": jobs})
    cluster = FlinkCluster(flink.address)
    found = cluster.job("ours")
    assert (found.id, found.ended, str(found)) == ("ours-2", False, "running, 3 of 7 tasks done")
    assert cluster.job("other").ended
    assert cluster.job("unknown") is None


def test_nothing_that_answers_is_a_fault_of_the_machine():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(MachineFault) as refused:
        FlinkCluster(address).overview()
    assert str(refused.value).startswith(f"beam.flink_master = '{address}': no Flink cluster answers there (")
    assert str(refused.value).endswith("which is that of the JobManager's REST API (port 8081).")


@pytest.mark.parametrize("found", [None, b"<html>", b"{}", b"[]"])
def test_something_else_that_answers_is_refused(answers, found):
    if found is not None:
        answers.files["/overview"] = found
    with pytest.raises(InputError, match="what answers there is not Flink's REST API"):
        FlinkCluster(answers.address).overview()


@pytest.mark.parametrize("lacks", ["name", "jid", "state", "start-time", "tasks"])
def test_a_job_without_an_expected_field_is_refused(flink, lacks):
    jobs = [{key: value for key, value in job("ours", "RUNNING").items() if key != lacks}]
    flink.answer_json("/jobs/overview", {"jobs": [*jobs, *jobs]})
    with pytest.raises(InputError) as refused:
        FlinkCluster(flink.address).job("ours")
    assert str(refused.value) == (
        f"beam.flink_master = '{flink.address}': what answers there is not Flink's REST API (unexpected "
        "answer to /jobs/overview). Give the JobManager's address (port 8081)."
    )


@pytest.mark.parametrize("found", [[], {}, {"jobs": None}, {"jobs": ["ours"]}])
def test_jobs_of_another_shape_are_refused(flink, found):
    flink.answer_json("/jobs/overview", found)
    with pytest.raises(InputError, match="unexpected answer to /jobs/overview"):
        FlinkCluster(flink.address).job("ours")


@pytest.mark.parametrize(
    "found", [[], {"exceptionHistory": None}, {"exceptionHistory": {"entries": [{"stacktrace": ""}]}}]
)
def test_failures_of_another_shape_are_refused(flink, found):
    ours = Job(id="1", state="FAILED", tasks={})
    flink.answer_json("/jobs/1/exceptions", found)
    with pytest.raises(InputError, match="unexpected answer to /jobs/1/exceptions"):
        FlinkCluster(flink.address).failures(ours)


def test_the_classes_of_failures_and_of_their_causes_are_found(flink):
    trace = "org.apache.flink.A: a\n\tat b\nCaused by: java.util.C: c\nCaused by: java.D$E: d"
    oldest = {"exceptionName": "org.apache.flink.A", "stacktrace": trace, "timestamp": 1}
    entries = [oldest, {"exceptionName": "F", "timestamp": 2}]
    flink.answer_json("/jobs/1/exceptions", {"exceptionHistory": {"entries": entries}})
    found = FlinkCluster(flink.address).failures(Job(id="1", state="FAILED", tasks={}))
    assert found == [{"F"}, {"A", "C", "D$E"}]
