"""A Spark cluster that cannot take a job: it is said before any work starts. See also test_engines.py."""

import socket
import zipfile

import pytest
from apache_beam.version import __version__ as installed_beam
from refusals import input_error

from components.errors import MachineFault
from pipeline.preflight.beam_runner import require_known, require_usable


@pytest.fixture
def master():
    """The address of something that listens as a master does."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"spark://127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def on_cluster(beam, java, master, answers):
    """Makes settings for a cluster of that many workers and that version of Spark."""

    def make(*, version="3.2.2", workers=2, **given):
        answers.files["/"] = f'<span class="version" style="margin-right: 15px;">{version}</span>'.encode()
        worker = {"state": "ALIVE", "cores": 1, "coresused": 0}
        answers.answer_json("/json/", {"workers": [worker] * workers})
        external = ("--environment_type=EXTERNAL", "--environment_config=localhost:50000")
        return beam("spark", java, *external, spark_master=master, spark_master_page=answers.url, **given)

    return make


@pytest.mark.parametrize(
    ("option", "begins"),
    [
        ("--spark_master_url=spark://spark:7077", "give beam.spark_master in place of --spark_master_url."),
        ("--spark_job_server_jar=a.jar", "give beam.spark_job_server_jar in place of "),
        ("--spark_submit_uber_jar", "--spark_submit_uber_jar is for beam.runner = 'SparkRunner'"),
    ],
)
def test_options_that_say_what_settings_say_are_refused(beam, option, begins):
    told = input_error(require_known, beam("spark", option))
    assert told.startswith(f"beam.options: {begins}")


def test_a_cluster_without_workers_is_a_fault_of_the_machine(on_cluster):
    with pytest.raises(MachineFault, match="the Spark cluster has no worker"):
        require_usable(on_cluster(workers=0))


def test_a_jar_of_another_spark_than_the_clusters_is_refused(on_cluster, tmp_path):
    with zipfile.ZipFile(tmp_path / "spark.jar", "w") as jar:
        jar.writestr("org/apache/beam/sdk/sdk.properties", f"version={installed_beam}\n")
        jar.writestr("spark-version-info.properties", "version=3.2.2\n")
    require_usable(on_cluster(version="3.2.4", spark_job_server_jar=tmp_path / "spark.jar"))
    told = input_error(
        require_usable, on_cluster(version="3.5.1", spark_job_server_jar=tmp_path / "spark.jar")
    )
    assert told.endswith("it is for Spark 3.2, but the cluster has Spark 3.5. Use a cluster of Spark 3.2.")
