"""`beam.runner = "spark"`: what would stop its jobs is said before any work starts."""

import http.server
import json
import socket
import threading
import zipfile

import pytest
from apache_beam.version import __version__ as beam

from components.errors import InputError, MachineFault
from pipeline.config import load
from pipeline.preflight.beam_runner import require_known, require_usable

EXTERNAL = ("--environment_type=EXTERNAL", "--environment_config=localhost:50000")


def settings(*options, **given):
    quoted = ", ".join(f'"{option}"' for option in options)
    more = [f'beam.{key}="{value}"' for key, value in given.items()]
    return load(assignments=["beam.runner=spark", f"beam.options=[{quoted}]", *more]).beam


@pytest.fixture
def java(tmp_path):
    """An option that names a program which says it is Java 17."""
    program = tmp_path / "java"
    program.write_text("#!/bin/sh\necho '    java.specification.version = 17'\n")
    program.chmod(0o755)
    return f"--job_server_java_launcher={program}"


@pytest.fixture
def master():
    """The address of something that listens as a master does."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"spark://127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def page():
    """Starts something that answers as the page of a Spark master would; returns its address."""
    servers = []

    def start(*, version="3.2.2", workers=2):
        worker = {"state": "ALIVE", "cores": 1, "coresused": 0}
        told = {
            "/": f'<span class="version" style="margin-right: 15px;">{version}</span>'.encode(),
            "/json/": json.dumps({"workers": [worker] * workers}).encode(),
        }

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(told[self.path])

            def log_message(self, *arguments):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def told(check, given, kind=InputError):
    with pytest.raises(kind) as refused:
        check(given)
    return str(refused.value)


def test_the_jobs_of_this_machine_need_java_alone(java):
    require_usable(settings(java))
    assert told(require_usable, settings("--job_server_java_launcher=/nowhere/java")).startswith(
        "beam.runner = 'spark': the job server needs Java, and there is no program '/nowhere/java' here. "
    )


def test_a_cluster_needs_workers():
    assert told(require_known, settings(spark_master="spark://spark:7077")).startswith(
        "beam.options: a Spark cluster needs --environment_type, such as EXTERNAL for worker pools beside "
    )


@pytest.mark.parametrize(
    ("option", "begins"),
    [
        ("--job_endpoint=localhost:8099", "--job_endpoint is for beam.runner = 'PortableRunner'"),
        ("--spark_master_url=spark://spark:7077", "give beam.spark_master in place of --spark_master_url."),
        ("--spark_job_server_jar=a.jar", "give beam.spark_job_server_jar in place of "),
        ("--spark_submit_uber_jar", "--spark_submit_uber_jar is for beam.runner = 'SparkRunner'"),
    ],
)
def test_options_that_say_what_settings_say_are_refused(option, begins):
    assert told(require_known, settings(option)).startswith(f"beam.options: {begins}")


def test_a_cluster_that_is_not_there_is_a_fault_of_the_machine(java):
    given = settings(java, *EXTERNAL, spark_master="spark://127.0.0.1:1")
    text = told(require_usable, given, MachineFault)
    assert "'spark://127.0.0.1:1': no Spark master answers there" in text


def test_a_cluster_without_workers_is_a_fault_of_the_machine(java, master, page):
    given = settings(java, *EXTERNAL, spark_master=master, spark_master_page=page(workers=0))
    assert "the Spark cluster has no worker" in told(require_usable, given, MachineFault)


def test_a_jar_of_another_spark_than_the_clusters_is_refused(java, master, page, tmp_path):
    with zipfile.ZipFile(tmp_path / "spark.jar", "w") as jar:
        jar.writestr("org/apache/beam/sdk/sdk.properties", f"version={beam}\n")
        jar.writestr("spark-version-info.properties", "version=3.2.2\n")
    given = {"spark_master": master, "spark_job_server_jar": tmp_path / "spark.jar"}
    require_usable(settings(java, *EXTERNAL, spark_master_page=page(version="3.2.4"), **given))
    text = told(require_usable, settings(java, *EXTERNAL, spark_master_page=page(version="3.5.1"), **given))
    assert text.endswith("it is for Spark 3.2, but the cluster has Spark 3.5. Use a cluster of Spark 3.2.")


@pytest.mark.parametrize("master", ["spark", "yarn", "spark://spark", "local[x]", "http://spark:8080"])
def test_other_addresses_of_a_master_are_refused(master):
    with pytest.raises(InputError, match=r"beam\.spark_master"):
        settings(spark_master=master)


def test_a_run_ends_with_the_sentence(greenlight, tmp_path):
    result = greenlight(
        "run",
        *("--workspace", str(tmp_path), "--set", "beam.runner=spark"),
        *("--set", 'beam.options=["--job_server_java_launcher=/nowhere/java"]'),
    )
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: beam.runner = 'spark': the job server needs Java")
