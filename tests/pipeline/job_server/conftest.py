import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from suite.answering import Answers, answering

OVERVIEW = {"flink-version": "1.18.1", "taskmanagers": 2, "slots-total": 4, "slots-available": 4}


@pytest.fixture
def answers() -> Iterator[Answers]:
    with answering() as server:
        yield server


@pytest.fixture
def flink(answers) -> Answers:
    """The REST API of a Flink 1.18 cluster of two task managers."""
    answers.answer_json("/overview", OVERVIEW)
    return answers


def write_jar(path: Path, *, beam: str, flink: str) -> Path:
    """A jar that tells of these versions, as Beam's job server for Flink does."""
    with zipfile.ZipFile(path, "w") as jar:
        jar.writestr(
            "org/apache/beam/sdk/sdk.properties", f"# a comment\nversion={beam}\nsdk_version={beam}\n"
        )
        jar.writestr(".flink-runtime.version.properties", f"project.version={flink}\n")
    return path


@pytest.fixture
def make_jar(tmp_path):
    return lambda **versions: write_jar(tmp_path / "job-server.jar", **versions)


@pytest.fixture
def make_spark_jar(tmp_path):
    """Makes a jar that tells of its versions as Beam's job server for Spark does."""

    def make(*, beam: str, spark: str) -> Path:
        path = tmp_path / "spark-job-server.jar"
        with zipfile.ZipFile(path, "w") as jar:
            jar.writestr("org/apache/beam/sdk/sdk.properties", f"version={beam}\n")
            jar.writestr("spark-version-info.properties", f"version={spark}\nuser=\n")
        return path

    return make
