"""The jar of the job server: of the installed Beam, for the cluster's Flink."""

from pathlib import Path

import pytest
import refusals

from pipeline.job_server import jar

SAYS = "beam.flink_job_server_jar = '{}': "


@pytest.mark.parametrize("flink", [None, "1.18"])
def test_the_versions_are_read_from_the_jar(make_jar, flink):
    found = jar.require_fitting(make_jar(beam="2.60.0", flink="1.18.1"), flink=flink, beam="2.60.0")
    assert found == jar.Versions(beam="2.60.0", flink="1.18.1")


@pytest.mark.parametrize(
    ("flink", "beam", "told"),
    [
        (
            None,
            "2.62.0",
            "it is of Beam 2.60.0, but Beam 2.62.0 is installed. Use {}-1.18-job-server-2.62.0.jar.",
        ),
        (
            "1.17",
            "2.60.0",
            "it is for Flink 1.18, but the cluster has Flink 1.17. Use {}-1.17-job-server-2.60.0.jar.",
        ),
    ],
)
def test_a_jar_of_other_versions_is_refused(make_jar, flink, beam, told):
    path = make_jar(beam="2.60.0", flink="1.18.1")
    refusal = refusals.input_error(jar.require_fitting, path, flink=flink, beam=beam)
    assert refusal == SAYS.format(path) + told.format("beam-runners-flink")


def test_a_file_that_is_missing_or_something_else_is_refused(tmp_path):
    missing, text = tmp_path / "missing.jar", tmp_path / "text.jar"
    text.write_text("no zip")
    told = refusals.input_error(jar.require_fitting, missing, flink=None, beam="2.60.0")
    assert told == SAYS.format(missing) + "No such file or directory. Give a jar, or unset it."
    told = refusals.input_error(jar.require_fitting, text, flink=None, beam="2.60.0")
    assert told == SAYS.format(text) + "it is not a job server of Beam for Flink. Give one, or unset it."
    assert "Is a directory" in refusals.input_error(
        jar.require_fitting, Path(tmp_path), flink=None, beam="2.60.0"
    )
