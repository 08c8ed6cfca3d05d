"""`beam.runner = "flink"`: what would stop its jobs is said before any work starts."""

import http.server
import json
import threading

import pytest
from apache_beam.version import __version__ as beam

from components.errors import InputError, MachineFault
from pipeline.config import load
from pipeline.preflight.beam_runner import require_known, require_usable

EXTERNAL = ("--environment_type=EXTERNAL", "--environment_config=localhost:50000")


def settings(*options, **given):
    quoted = ", ".join(f'"{option}"' for option in options)
    more = [f'beam.{key}="{value}"' for key, value in given.items()]
    return load(assignments=["beam.runner=flink", f"beam.options=[{quoted}]", *more]).beam


@pytest.fixture
def java(tmp_path):
    """An option that names a program as Java; no check starts it."""
    program = tmp_path / "java"
    program.touch(0o755)
    return f"--job_server_java_launcher={program}"


@pytest.fixture
def cluster():
    """Starts something that answers as a Flink cluster's REST API would; returns its address."""
    servers = []

    def start(*, version="1.18.1", task_managers=1, slots=2):
        found = {"flink-version": version, "taskmanagers": task_managers, "slots-total": slots}
        body = json.dumps(found | {"slots-available": slots}).encode()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        servers.append((server, thread))
        return f"127.0.0.1:{server.server_port}"

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def told(check, given, kind=InputError):
    with pytest.raises(kind) as refused:
        check(given)
    return str(refused.value)


def test_the_embedded_cluster_needs_java_alone(java):
    require_usable(settings(java))
    assert told(require_usable, settings("--job_server_java_launcher=/nowhere/java")) == (
        "beam.runner = 'flink': the job server needs Java, and there is no program '/nowhere/java' here. "
        "Install a Java runtime such as OpenJDK 17, or name one with --job_server_java_launcher=FILE in "
        "beam.options."
    )


def test_a_cluster_needs_workers():
    assert told(require_known, settings(flink_master="flink:8081")).startswith(
        "beam.options: a Flink cluster needs --environment_type, such as EXTERNAL for worker pools beside "
    )


def test_a_job_server_that_runs_already_is_for_another_runner():
    assert told(require_known, settings("--job_endpoint=localhost:8099")).startswith(
        "beam.options: --job_endpoint is for beam.runner = 'PortableRunner'"
    )


def test_a_cluster_that_is_not_there_is_a_fault_of_the_machine(java):
    text = told(require_usable, settings(java, *EXTERNAL, flink_master="127.0.0.1:1"), MachineFault)
    assert "'127.0.0.1:1': no Flink cluster answers there" in text


def test_a_cluster_without_task_managers_is_a_fault_of_the_machine(java, cluster):
    given = settings(java, *EXTERNAL, flink_master=cluster(task_managers=0, slots=0))
    assert "the Flink cluster has no task manager" in told(require_usable, given, MachineFault)


def test_a_cluster_with_too_few_slots_is_refused(java, cluster):
    address = cluster(slots=2)
    given = settings(java, *EXTERNAL, "--parallelism=3", flink_master=address)
    assert told(require_usable, given) == (
        f"beam.options: --parallelism=3 needs as many slots, but the Flink cluster at {address} has 2. Lower "
        "it, or add task managers."
    )


def test_a_cluster_of_a_flink_that_beam_does_not_know_is_refused(java, cluster):
    given = settings(java, *EXTERNAL, flink_master=cluster(version="1.9.3"))
    text = told(require_usable, given)
    assert f"the cluster has Flink 1.9, and Beam {beam} has no job server for it, only for 1." in text


def test_a_jar_is_looked_into(java, tmp_path):
    (tmp_path / "text.jar").write_text("no jar")
    given = settings(java, flink_job_server_jar=tmp_path / "text.jar")
    assert "it is not a job server of Beam for Flink" in told(require_usable, given)


@pytest.mark.parametrize("master", ["flink", "[auto]", "flink:port", "ftp://flink:8081"])
def test_other_addresses_of_a_cluster_are_refused(master):
    with pytest.raises(InputError, match=r"beam\.flink_master"):
        settings(flink_master=master)


def test_a_run_ends_with_the_sentence(greenlight, tmp_path):
    result = greenlight(
        "run",
        *("--workspace", str(tmp_path), "--set", "beam.runner=flink"),
        *("--set", 'beam.options=["--job_server_java_launcher=/nowhere/java"]'),
    )
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: beam.runner = 'flink': the job server needs Java")
