"""Flink and Spark alike: what would stop a job is said before any work starts."""

import pytest
from refusals import input_error

from components.errors import InputError, MachineFault
from pipeline.preflight.beam_runner import require_known, require_usable

EXTERNAL = ("--environment_type=EXTERNAL", "--environment_config=localhost:50000")
NO_JAVA = "--job_server_java_launcher=/nowhere/java"

pytestmark = pytest.mark.parametrize("runner", ["flink", "spark"])

ADDRESS = {"flink": "{}:{}", "spark": "spark://{}:{}"}


def on(runner, host, port):
    """The setting that names a cluster at this address."""
    return {f"{runner}_master": ADDRESS[runner].format(host, port)}


def test_a_cluster_of_the_job_server_needs_java_alone(runner, beam, java):
    require_usable(beam(runner, java))
    told = input_error(require_usable, beam(runner, NO_JAVA))
    assert told == (
        f"beam.runner = {runner!r}: the job server needs Java, and there is no program '/nowhere/java' here. "
        "Install a Java runtime such as OpenJDK 17, or name one with --job_server_java_launcher=FILE in "
        "beam.options."
    )


def test_a_cluster_needs_workers(runner, beam):
    told = input_error(require_known, beam(runner, **on(runner, "cluster", 7077)))
    assert told.startswith(
        f"beam.options: a {runner.title()} cluster needs --environment_type, such as EXTERNAL for worker "
        "pools beside its "
    )


def test_a_job_server_that_runs_already_is_for_another_runner(runner, beam):
    assert "--job_endpoint is for beam.runner = 'PortableRunner'" in input_error(
        require_known, beam(runner, "--job_endpoint=localhost:8099")
    )


def test_a_cluster_that_is_not_there_is_a_fault_of_the_machine(runner, beam, java):
    (address,) = on(runner, "127.0.0.1", 1).values()
    with pytest.raises(
        MachineFault, match=f"'{address}': no {runner.title()} (cluster|master) answers there"
    ):
        require_usable(beam(runner, java, *EXTERNAL, **on(runner, "127.0.0.1", 1)))


def test_a_jar_is_looked_into(runner, beam, java, tmp_path):
    (tmp_path / "text.jar").write_text("not a jar")
    given = {f"{runner}_job_server_jar": tmp_path / "text.jar"}
    assert f"it is not a job server of Beam for {runner.title()}" in input_error(
        require_usable, beam(runner, java, **given)
    )


@pytest.mark.parametrize(
    "master", ["host", "[auto]", "yarn", "host:port", "spark://host", "local[x]", "ftp://host:8081"]
)
def test_other_addresses_of_a_cluster_are_refused(runner, beam, master):
    with pytest.raises(InputError, match=rf"beam\.{runner}_master"):
        beam(runner, **{f"{runner}_master": master})


def test_a_run_ends_with_the_sentence(runner, greenlight, tmp_path):
    result = greenlight(
        "run",
        *("--workspace", str(tmp_path), "--set", f"beam.runner={runner}"),
        *("--set", f'beam.options=["{NO_JAVA}"]'),
    )
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: beam.runner = {runner!r}: the job server needs Java")
