"""Processes of their own sessions: pools of Beam's workers, and the end of whatever was started."""

import os
import signal
import subprocess
from pathlib import Path

import processes


def start(python: Path, log: Path, port: int) -> subprocess.Popen:
    """A pool of Beam's workers, which starts each as a process of its own, by the name `python`."""
    path = os.pathsep.join([str(python.parent), os.environ["PATH"]])
    command = [str(python), "-m", "apache_beam.runners.worker.worker_pool_main", "--service_port", str(port)]
    with log.open("wb") as file:
        environment = processes.environment(PATH=path)
        return subprocess.Popen(command, env=environment, stdout=file, stderr=file, start_new_session=True)


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
