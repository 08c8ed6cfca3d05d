"""The Java of a job server: whether it is there, and of a version that the engine supports."""

import pytest
import refusals
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.job_server import java

SUPPORTED = (8, 11, 17)


@pytest.fixture
def make_java(tmp_path):
    """Makes a program that prints its properties as Java does; returns the options that name it."""

    def make(prints):
        program = tmp_path / "java"
        program.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{prints}\nEND\n")
        program.chmod(0o755)
        return PipelineOptions([f"--job_server_java_launcher={program}"])

    return make


def properties(version):
    return f"""Property settings:
    java.runtime.version = 21.0.1+12
    java.specification.name = Java Platform API Specification
    java.specification.version = {version}
openjdk version "{version}.0.15" 2025-04-15"""


@pytest.mark.parametrize("version", ["1.8", "11", "17"])
def test_a_supported_version_is_taken(make_java, version):
    java.require(make_java(properties(version)), runner="spark", versions=SUPPORTED)


@pytest.mark.parametrize(
    ("prints", "what"),
    [
        (properties("21"), "is Java 21"),
        (properties("1.7"), "is Java 7"),
        ("", "does not tell a version of Java"),
    ],
)
def test_another_version_is_refused(make_java, tmp_path, prints, what):
    options = make_java(prints)
    told = refusals.input_error(java.require, options, runner="spark", versions=SUPPORTED)
    assert told == (
        f"beam.runner = 'spark': the program '{tmp_path / 'java'}' {what}, and the job server runs on Java "
        "8, 11, 17. Install one of them, and name one with --job_server_java_launcher=FILE in beam.options."
    )
    java.require(options, runner="flink")
