"""A standalone Spark cluster on loopback: a master and workers, which start executors."""

import contextlib
import json
import subprocess
import urllib.request
from pathlib import Path

import processes
import waiting
from e2e.engine.command_lines import processes_with

from benchmarks.engines.java_processes import JavaProcesses
from pipeline.beam_worker import process
from pipeline.job_server.spark_engine import OPENING

_MASTER = "org.apache.spark.deploy.master.Master"
_WORKER = "org.apache.spark.deploy.worker.Worker"
_INHERITED = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Java compiles less, which takes most of the time of a job on little data; in the executors, too, which also
keep their temporary files in the cluster's folder."""


class StandaloneCluster(JavaProcesses):
    """Spark's processes with their logs in `folder`, from Spark's `home`. They end with the context."""

    def __init__(self, folder: Path, home: Path) -> None:
        super().__init__(folder)
        self._home = home
        port, page = processes.free_port(), processes.free_port()
        self.master, self.page = f"spark://127.0.0.1:{port}", f"http://127.0.0.1:{page}"
        self._ports = {"--port": str(port), "--webui-port": str(page)}
        self.workers: list[subprocess.Popen] = []

    def _begin(self) -> None:
        arguments = [word for option in self._ports.items() for word in option]
        self._start(_MASTER, "--host", "127.0.0.1", *arguments)
        waiting.until(lambda: self.state() is not None)

    def start_worker(self) -> None:
        """Starts a worker of one core."""
        place = ("--host", "127.0.0.1", "--webui-port", "0", "--work-dir", str(self._folder / "work"))
        self.workers.append(self._start(_WORKER, *place, "--cores", "1", "--memory", "1g", self.master))

    def with_workers(self, count: int) -> None:
        """Starts as many and waits until the master knows them."""
        for _ in range(count):
            self.start_worker()
        waiting.until(lambda: (self.state() or {}).get("aliveworkers") == count)

    def state(self) -> dict | None:
        """What the master's page tells."""
        try:
            with urllib.request.urlopen(f"{self.page}/json/", timeout=10) as response:
                return json.load(response)
        except OSError:
            return None

    def applications(self, kind: str = "activeapps") -> list[dict]:
        return (self.state() or {kind: []})[kind]

    def cores_used(self) -> int:
        return (self.state() or {"coresused": 0})["coresused"]

    def executors(self, worker: subprocess.Popen) -> list[int]:
        """The ids of the executors that a worker has started."""
        return _children(worker.pid)

    def beam_workers(self, worker: subprocess.Popen) -> set[int]:
        """The ids of the Beam workers that these have started as processes; each has a task then."""
        started = {child for executor in self.executors(worker) for child in _children(executor)}
        return started.intersection(processes_with(process.__name__))

    def _start(self, main: str, *arguments: str) -> subprocess.Popen:
        # As bin/load-spark-env.sh sets them; a worker needs them to start an executor.
        home = {"SPARK_HOME": str(self._home), "SPARK_SCALA_VERSION": "2.12"}
        inherited = f"{_INHERITED} -Djava.io.tmpdir={self._folder}"
        environment = processes.environment(SPARK_LOCAL_IP="127.0.0.1", JAVA_TOOL_OPTIONS=inherited, **home)
        java = ("-Xmx320m", *OPENING, "-cp", f"{self._home}/jars/*")
        return self._java(main.rpartition(".")[2], *java, main, *arguments, environment=environment)


def _children(parent: int) -> list[int]:
    found = []
    for path in Path(f"/proc/{parent}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # the thread has ended
            found += map(int, path.read_text().split())
    return found
