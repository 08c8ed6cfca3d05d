from collections.abc import Callable, Iterator

import pytest
from suite.answering import Answers, answering

from pipeline.config import BeamSettings, load


@pytest.fixture
def beam() -> Callable[..., BeamSettings]:
    """Makes settings of Beam: `beam("flink", *options, flink_master=...)`."""

    def make(runner: str, *options: str, **given: object) -> BeamSettings:
        quoted = ", ".join(f'"{option}"' for option in options)
        more = [f'beam.{key}="{value}"' for key, value in given.items()]
        return load(assignments=[f"beam.runner={runner}", f"beam.options=[{quoted}]", *more]).beam

    return make


@pytest.fixture
def java(tmp_path) -> str:
    """An option that names a program which says it is Java 17."""
    program = tmp_path / "java"
    program.write_text("#!/bin/sh\necho '    java.specification.version = 17'\n")
    program.chmod(0o755)
    return f"--job_server_java_launcher={program}"


@pytest.fixture
def answers() -> Iterator[Answers]:
    with answering() as server:
        yield server
