"""A Flink cluster's REST API: what it says of the cluster and of jobs, and what answers in its place."""

import socket

import pytest

from components.errors import InputError, MachineFault
from pipeline.job_server.flink_cluster import FlinkCluster, Overview

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
