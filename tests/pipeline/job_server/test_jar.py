"""The jar of the job server: of the installed Beam, for the cluster's Flink."""

from pathlib import Path

import pytest
import refusals

from pipeline.job_server import jar

SAYS = "beam.flink_job_server_jar = '{}': "


@pytest.mark.parametrize("flink", [None, "1.18"])
def test_the_versions_are_read_from_the_jar(make_jar, flink):
    found = jar.require_fitting(
        jar.FLINK, make_jar(beam="2.60.0", flink="1.18.1"), cluster=flink, beam="2.60.0"
    )
    assert found == jar.Versions(beam="2.60.0", engine="1.18.1")


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
    refusal = refusals.input_error(jar.require_fitting, jar.FLINK, path, cluster=flink, beam=beam)
    assert refusal == SAYS.format(path) + told.format("beam-runners-flink")


def test_a_jar_for_spark_has_to_be_of_the_clusters_series(make_spark_jar):
    path = make_spark_jar(beam="2.60.0", spark="3.2.2")
    found = jar.require_fitting(jar.SPARK, path, cluster="3.2", beam="2.60.0")
    assert found == jar.Versions(beam="2.60.0", engine="3.2.2")
    told = refusals.input_error(jar.require_fitting, jar.SPARK, path, cluster="3.5", beam="2.60.0")
    assert told == (
        f"beam.spark_job_server_jar = '{path}': it is for Spark 3.2, but the cluster has Spark 3.5. Use a "
        "cluster of Spark 3.2."
    )
    told = refusals.input_error(jar.require_fitting, jar.SPARK, path, cluster=None, beam="2.62.0")
    assert told.endswith(
        "it is of Beam 2.60.0, but Beam 2.62.0 is installed. Use beam-runners-spark-3-job-server-2.62.0.jar."
    )
    told = refusals.input_error(jar.require_fitting, jar.FLINK, path, cluster=None, beam="2.60.0")
    assert "it is not a job server of Beam for Flink" in told


def test_a_file_that_is_missing_or_something_else_is_refused(tmp_path):
    missing, text = tmp_path / "missing.jar", tmp_path / "text.jar"
    text.write_text("no zip")
    told = refusals.input_error(jar.require_fitting, jar.FLINK, missing, cluster=None, beam="2.60.0")
    assert told == SAYS.format(missing) + "No such file or directory. Give a jar, or unset it."
    told = refusals.input_error(jar.require_fitting, jar.FLINK, text, cluster=None, beam="2.60.0")
    assert told == SAYS.format(text) + "it is not a job server of Beam for Flink. Give one, or unset it."
    assert "Is a directory" in refusals.input_error(
        jar.require_fitting, jar.FLINK, Path(tmp_path), cluster=None, beam="2.60.0"
    )
