"""Workers of a cluster that nothing says how to start are refused before any work starts."""

import pytest

from components.errors import InputError
from pipeline.preflight.beam_runner import require_known
from pipeline.settings.beam import BeamSettings

RUNNERS = {
    "flink": {"flink_master": "flink:8081"},
    "spark": {"spark_master": "spark://spark:7077"},
    "PortableRunner": {},
}


def settings(runner, *options):
    endpoint = ("--job_endpoint=localhost:8099",) if runner == "PortableRunner" else ()
    return BeamSettings(runner=runner, options=(*endpoint, *options), **RUNNERS[runner])


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize(
    "options",
    [
        ("--environment_type=EXTERNAL", "--environment_config=localhost:50000"),
        ("--environment_type=EXTERNAL", "--environment_options=external_service_address=localhost:50000"),
        ("--environment_type=PROCESS", '--environment_config={"command": "/opt/beam-worker"}'),
        ("--environment_type=PROCESS", "--environment_options=process_command=/opt/beam-worker"),
        ("--environment_type=DOCKER",),
    ],
)
def test_workers_that_are_configured_are_known(runner, options):
    require_known(settings(runner, *options))


@pytest.mark.parametrize("runner", RUNNERS)
def test_external_workers_need_a_pool(runner):
    with pytest.raises(
        InputError, match="EXTERNAL needs --environment_config=localhost:PORT, the worker pool"
    ):
        require_known(settings(runner, "--environment_type=EXTERNAL"))


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("config", [None, "/opt/beam-worker", "[]", '{"env": {}}', '{"command": ""}'])
def test_workers_that_are_processes_need_a_command(runner, config):
    options = ("--environment_type=PROCESS", *([f"--environment_config={config}"] if config else []))
    with pytest.raises(InputError, match="PROCESS needs --environment_config="):
        require_known(settings(runner, *options))
