"""The processes of a cluster: where they leave files, and that they end."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import waiting

from benchmarks.engines.java_processes import JavaProcesses


class Cluster(JavaProcesses):
    problem: Exception | None = None

    def _begin(self) -> None:
        self._java("master", "-Xmx1m", "Main")
        if self.problem:
            raise self.problem


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of a cluster, whose `java` prints its arguments and stays."""
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text('#!/bin/sh\necho "$@"\nexec sleep 60\n')
    java.chmod(0o755)
    monkeypatch.setenv("PATH", f"{java.parent}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "cluster").mkdir()
    return tmp_path / "cluster"


def test_temporary_files_and_logs_are_in_the_folder_of_the_cluster(folder):
    log = folder / "master-0.log"
    with Cluster(folder) as cluster:
        waiting.until(lambda: log.read_text() == f"-Djava.io.tmpdir={folder} -Xmx1m Main\n")
        assert cluster.started[0].poll() is None
    assert cluster.started[0].poll() is not None


def test_what_was_started_ends_where_the_cluster_does_not_come_up(folder):
    cluster = Cluster(folder)
    cluster.problem = TimeoutError("it does not answer")
    with pytest.raises(TimeoutError), cluster:
        pass
    assert cluster.started[0].poll() is not None


def test_they_end_with_a_process_that_is_killed(folder):
    start = (
        "import time, test_java_processes as here; from pathlib import Path\n"
        f"with here.Cluster(Path({str(folder)!r})) as cluster:\n"
        "    print(cluster.started[0].pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    command = [sys.executable, "-c", start]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": path}) as holder:
        pid = int(holder.stdout.readline())
        waiting.until(lambda: (folder / "master-0.log").read_text())
        holder.kill()
    waiting.until(lambda: not psutil.pid_exists(pid))
