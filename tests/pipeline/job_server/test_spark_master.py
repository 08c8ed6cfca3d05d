"""The master of a Spark cluster: what its page tells, and what answers in its place."""

import socket

import pytest

from components.errors import InputError, MachineFault
from pipeline.job_server.spark_master import SparkMaster, State

ALIVE = {"state": "ALIVE", "cores": 2, "coresused": 1}


@pytest.fixture
def page(answers):
    """The page of a master of Spark 3.2.2 with two workers, and one that was lost."""
    answers.answer_json("/json/", {"workers": [ALIVE, ALIVE, {"state": "DEAD", "cores": 8, "coresused": 0}]})
    answers.files["/"] = (
        b'<h3 style="vertical-align: middle;"><a href="/"><img src="/static/spark-logo-77x50px-hd.png"/>'
        b'<span class="version" style="margin-right: 15px;">3.2.2</span></a>Spark Master</h3>'
    )
    return answers


def test_the_page_tells_version_workers_and_cores(page):
    found = SparkMaster("spark://spark:7077", f"{page.url}/").state()
    assert found == State(version="3.2.2", workers=2, cores=4, free_cores=2)


def test_a_page_without_a_version_tells_the_rest(page):
    page.files["/"] = b"<html></html>"
    found = SparkMaster("spark://spark:7077", page.url).state()
    assert (found.version, found.workers) == (None, 2)


@pytest.mark.parametrize("found", [None, b"<html>", b"{}", b"[]"])
def test_something_else_that_answers_is_refused(answers, found):
    if found is not None:
        answers.files["/json/"] = found
    with pytest.raises(InputError, match="what answers there is not the page of a Spark master"):
        SparkMaster("spark://spark:7077", answers.url).state()


def test_a_named_page_that_does_not_answer_is_a_fault_of_the_machine(closed_port):
    page = f"http://127.0.0.1:{closed_port}"
    with pytest.raises(MachineFault) as refused:
        SparkMaster("spark://spark:7077", page).state()
    assert str(refused.value).startswith(
        f"beam.spark_master_page = '{page}': no page of a Spark master answers there ("
    )


def test_a_master_that_does_not_answer_is_a_fault_of_the_machine(closed_port):
    address = f"spark://127.0.0.1:{closed_port}"
    with pytest.raises(MachineFault) as refused:
        SparkMaster(address).require_answer()
    assert str(refused.value) == (
        f"beam.spark_master = '{address}': no Spark master answers there (Connection refused). Start it, or "
        "correct the address (port 7077)."
    )


def test_a_master_that_answers_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as master:
        SparkMaster(f"spark://127.0.0.1:{master.getsockname()[1]}").require_answer()


@pytest.fixture
def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        return closed.getsockname()[1]
