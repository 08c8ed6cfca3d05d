"""Workers of Beam for a cluster on this machine: from a pool, or started by the cluster itself."""

import json
import shlex
import subprocess
from pathlib import Path

from benchmarks.processes import CHECKOUT, checkout_environment


def start_pool(python: Path, log: Path, port: int) -> subprocess.Popen:
    """A pool of Beam's workers, which all processes of a cluster share."""
    command = [str(python), "-m", "pipeline.beam_worker.pool", "--port", str(port)]
    with log.open("wb") as file:
        return subprocess.Popen(
            command, env=checkout_environment(), stdout=file, stderr=file, start_new_session=True
        )


def started_by_the_cluster(python: Path, folder: Path) -> tuple[str, str]:
    """The options of Beam with which the cluster starts workers itself, by a script in the folder.

    `make setup` installs the same as `greenlight-beam-worker`, for the Python of its environment alone.
    """
    script = folder / "beam-worker"
    script.write_text(f'#!/bin/sh\nexec {shlex.quote(str(python))} -m pipeline.beam_worker.process "$@"\n')
    script.chmod(0o755)
    config = {"command": str(script), "env": {"PYTHONPATH": str(CHECKOUT)}}
    return "--environment_type=PROCESS", f"--environment_config={json.dumps(config)}"


def of_a_pool(port: int) -> tuple[str, str]:
    """The options of Beam for the workers of a pool."""
    return "--environment_type=EXTERNAL", f"--environment_config=localhost:{port}"
