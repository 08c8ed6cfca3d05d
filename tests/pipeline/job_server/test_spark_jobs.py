"""The jobs on Spark: how far they are, and one that no core of the cluster becomes free for."""

import socket
import threading

import pytest

from pipeline.job_server.engine import Unschedulable
from pipeline.job_server.spark_jobs import SparkJobs
from pipeline.job_server.spark_master import SparkMaster

API = "/api/v1/applications"
DRIVER = {"id": "driver", "isActive": True}
NAME = "greenlight-1"


class Clock:
    seconds = 0.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def application(answers):
    """Makes the page tell of a running application with these executors."""

    def application(*executors, name=f"{NAME}_0123"):
        answers.answer_json(API, [{"id": "app-1", "name": name}])
        jobs = [
            {"numTasks": 4, "numCompletedTasks": 3, "numSkippedTasks": 0},
            {"numTasks": 6, "numCompletedTasks": 0, "numSkippedTasks": 2},
        ]
        answers.answer_json(f"{API}/app-1/jobs", jobs)
        answers.answer_json(f"{API}/app-1/executors", [DRIVER, *executors])
        return answers

    return application


@pytest.fixture
def on_cluster(answers, clock):
    master = SparkMaster("spark://spark:7077", answers.url)
    return SparkJobs(answers.url, master=master, wait_seconds=300, clock=clock)


def test_the_tasks_of_a_job_are_counted(application):
    jobs = SparkJobs(application().url, master=None, wait_seconds=300)
    assert jobs.progress(NAME) == "job on Spark running, 5 of 10 tasks done"


def test_the_executors_of_a_cluster_are_counted(application, on_cluster):
    application({"id": "0", "isActive": True}, {"id": "1", "isActive": False})
    assert on_cluster.progress(NAME) == "job on Spark running, 5 of 10 tasks done by 1 executor"


def test_nothing_is_said_before_the_application_is_there(application, answers, on_cluster):
    assert on_cluster.progress(NAME) == ""
    application(name="greenlight-2_0123")
    assert on_cluster.progress(NAME) == ""
    answers.files[API] = b"<html>"
    assert on_cluster.progress(NAME) == ""


def test_a_job_without_an_executor_waits_only_so_long(application, answers, on_cluster, clock):
    worker = {"state": "ALIVE", "cores": 2, "coresused": 2}
    answers.answer_json("/json/", {"workers": [worker, worker]})
    answers.files["/"] = b"<html></html>"
    application()
    assert on_cluster.progress(NAME) == "job on Spark waits for a free core"
    clock.seconds = 299
    assert on_cluster.progress(NAME) == "job on Spark waits for a free core"
    clock.seconds = 300
    with pytest.raises(Unschedulable) as refused:
        on_cluster.progress(NAME)
    assert str(refused.value).startswith(
        "The Spark cluster at spark://spark:7077 is full: it gave the job no executor within 300 s (it has 2 "
        "workers with 4 cores). Wait for its other applications, "
    )


def test_the_wait_ends_also_where_the_page_of_the_master_does_not_answer(application, clock):
    master = SparkMaster("spark://spark:7077", "http://127.0.0.1:1")
    jobs = SparkJobs(application().url, master=master, wait_seconds=300, clock=clock)
    assert jobs.progress(NAME) == "job on Spark waits for a free core"
    clock.seconds = 300
    with pytest.raises(Unschedulable, match="it gave the job no executor within 300 s"):
        jobs.progress(NAME)


def test_a_page_that_breaks_off_says_nothing():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            for words in (b"not HTTP", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[]"):
                connection, _ = server.accept()
                with connection:
                    connection.recv(4096)
                    connection.sendall(words + b"\r\n")

        answering = threading.Thread(target=answer, daemon=True)
        answering.start()
        jobs = SparkJobs(f"http://127.0.0.1:{server.getsockname()[1]}", master=None, wait_seconds=300)
        assert [jobs.progress(NAME), jobs.progress(NAME)] == ["", ""]


@pytest.mark.parametrize(
    ("end", "told"),
    [
        ("FAILED", "gave the job up: its executors ended one after another"),
        ("KILLED", "ended the job: somebody killed its application"),
    ],
)
def test_what_the_cluster_did_to_a_job_is_said(answers, on_cluster, end, told):
    ended = [{"name": "greenlight-2_0", "state": "FINISHED"}, {"name": f"{NAME}_0123", "state": end}]
    answers.answer_json("/json/", {"completedapps": ended})
    assert str(on_cluster.fault(NAME)) == (
        f"The Spark cluster at spark://spark:7077 {told} (application {NAME}). The pages and logs of its "
        "master and workers say more."
    )
    assert on_cluster.fault("greenlight-2") is None
    assert on_cluster.fault("greenlight-3") is None


def test_an_executor_that_came_ends_the_wait(application, on_cluster, clock):
    application()
    on_cluster.progress(NAME)
    clock.seconds = 299
    application({"id": "0"})
    on_cluster.progress(NAME)
    application()
    clock.seconds = 500
    assert on_cluster.progress(NAME) == "job on Spark waits for a free core"


@pytest.mark.parametrize("found", [{}, [{}], [{"id": "app-1"}], ["app-1"], [{"id": "app-1", "name": None}]])
def test_applications_of_another_shape_say_nothing(answers, on_cluster, found):
    answers.answer_json(API, found)
    assert on_cluster.progress(NAME) == ""


@pytest.mark.parametrize("found", [{}, [{}], [{"numTasks": 4}], ["job"]])
def test_tasks_of_another_shape_are_none(application, answers, on_cluster, found):
    application({"id": "0", "isActive": True})
    answers.answer_json(f"{API}/app-1/jobs", found)
    assert on_cluster.progress(NAME) == "job on Spark running, 0 of 0 tasks done by 1 executor"
