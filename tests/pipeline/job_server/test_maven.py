"""Jars of a Maven repository: what the published checksum says, and copies that are kept."""

import hashlib
import socket

import pytest

from components.errors import InputError, MachineFault
from pipeline.job_server import jar
from pipeline.job_server.maven import jar_of

JAR = jar.FLINK.published("1.18", beam="2.60.0")
PATH = (
    "/maven2/org/apache/beam/beam-runners-flink-1.18-job-server/2.60.0"
    "/beam-runners-flink-1.18-job-server-2.60.0.jar"
)
CONTENT = b"a jar" * 1000


@pytest.fixture
def repository(answers):
    answers.files[PATH] = CONTENT
    answers.files[f"{PATH}.sha1"] = hashlib.sha1(CONTENT).hexdigest().encode()
    return answers


@pytest.fixture
def fetch(repository, tmp_path):
    told = []

    def fetch(url=f"{repository.url}/maven2/"):
        return jar_of(JAR, repository=url, shelf=tmp_path / "jars", progress=told.append)

    fetch.told = told
    return fetch


def test_a_jar_is_downloaded_once_and_said(fetch, repository):
    path = fetch()
    assert path.read_bytes() == CONTENT
    assert fetch.told == [f"downloading {JAR} (0 MiB), once"]
    asked = len(repository.asked)
    assert fetch() == path
    assert (len(repository.asked), len(fetch.told)) == (asked, 1)


def test_the_strongest_published_checksum_counts(fetch, repository):
    repository.files[f"{PATH}.sha512"] = hashlib.sha512(CONTENT).hexdigest().encode() + b"  job-server.jar\n"
    repository.files[f"{PATH}.sha1"] = b"0" * 40
    assert fetch().read_bytes() == CONTENT


def test_a_jar_of_another_checksum_is_refused_and_not_kept(fetch, repository, tmp_path):
    repository.files[f"{PATH}.sha1"] = b"0" * 40
    with pytest.raises(MachineFault) as refused:
        fetch()
    found = hashlib.sha1(CONTENT).hexdigest()
    assert f"has the sha1 checksum {found}, but {'0' * 40} is published" in str(refused.value)
    assert not [path for path in (tmp_path / "jars").iterdir() if path.suffix in (".jar", ".part")]


def test_a_copy_that_was_damaged_is_downloaded_again(fetch):
    fetch().write_bytes(b"damaged")
    assert fetch().read_bytes() == CONTENT


@pytest.mark.parametrize("missing", ["", ".sha1"], ids=["jar and checksum", "checksum"])
def test_what_the_repository_lacks_is_named(fetch, repository, missing):
    for path in [path for path in repository.files if path.endswith(missing)]:
        del repository.files[path]
    with pytest.raises(InputError) as refused:
        fetch()
    assert str(refused.value) == (
        f"{JAR} is not at {repository.url}{PATH}, or has no checksum there. Set beam.maven_repository to one "
        "that has it, or beam.flink_job_server_jar to a jar on this machine."
    )


def test_a_repository_that_does_not_answer_is_a_fault_of_the_machine(fetch):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(MachineFault, match=r"could not be downloaded .* Check the network and"):
        fetch(f"http://127.0.0.1:{port}")
