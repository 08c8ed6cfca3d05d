"""Processes of their own sessions: pools of Beam's workers, and the end of whatever was started."""

import json
import os
import shlex
import signal
import subprocess
from pathlib import Path

import processes


def start(python: Path, log: Path, port: int) -> subprocess.Popen:
    """A pool of Beam's workers, which all processes of a cluster share."""
    command = [str(python), "-m", "pipeline.beam_worker.pool", "--port", str(port)]
    with log.open("wb") as file:
        environment = processes.environment()
        return subprocess.Popen(command, env=environment, stdout=file, stderr=file, start_new_session=True)


def started_by_the_cluster(python: Path, folder: Path) -> tuple[str, str]:
    """The options of Beam with which the cluster starts workers itself, by a script in the folder.

    `make setup` installs the same as `greenlight-beam-worker`, for the Python of its environment alone.
    """
    script = folder / "beam-worker"
    script.write_text(f'#!/bin/sh\nexec {shlex.quote(str(python))} -m pipeline.beam_worker.process "$@"\n')
    script.chmod(0o755)
    config = {"command": str(script), "env": {"PYTHONPATH": str(processes.ROOT)}}
    return "--environment_type=PROCESS", f"--environment_config={json.dumps(config)}"


def of_a_pool(port: int) -> tuple[str, str]:
    """The options of Beam for the workers of a pool."""
    return "--environment_type=EXTERNAL", f"--environment_config=localhost:{port}"


def end(*started: subprocess.Popen) -> None:
    """Ends processes and what they have started in their sessions."""
    for process in started:
        if process.poll() is None:
            process.terminate()
    for process in started:
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
