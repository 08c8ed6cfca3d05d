"""A standalone Spark cluster on loopback: a master and workers, which start executors."""

import json
import subprocess
import urllib.request
from pathlib import Path

import processes
import waiting

from benchmarks.processes import end
from pipeline.job_server.spark_engine import OPENING

_MASTER = "org.apache.spark.deploy.master.Master"
_WORKER = "org.apache.spark.deploy.worker.Worker"
_SHORT_LIVED = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx320m")
"""Java compiles less, which takes most of the time of a job on little data."""


class StandaloneCluster:
    """Spark's processes with their logs in `folder`, from Spark's `home`. They end with the context."""

    def __init__(self, folder: Path, home: Path) -> None:
        self._folder, self._home = folder, home
        port, page = processes.free_port(), processes.free_port()
        self.master, self.page = f"spark://127.0.0.1:{port}", f"http://127.0.0.1:{page}"
        self._ports = {"--port": str(port), "--webui-port": str(page)}
        self.started: list[subprocess.Popen] = []
        self.workers: list[subprocess.Popen] = []

    def __enter__(self) -> "StandaloneCluster":
        arguments = [word for option in self._ports.items() for word in option]
        self._start(_MASTER, "--host", "127.0.0.1", *arguments)
        waiting.until(lambda: self.state() is not None)
        return self

    def __exit__(self, *error: object) -> None:
        end(*self.started)

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
        children = Path(f"/proc/{worker.pid}/task").glob("*/children")
        return [int(child) for path in children for child in path.read_text().split()]

    def _start(self, main: str, *arguments: str) -> subprocess.Popen:
        command = ["java", *_SHORT_LIVED, *OPENING, "-cp", f"{self._home}/jars/*", main, *arguments]
        log = self._folder / f"{main.rpartition('.')[2]}-{len(self.started)}.log"
        # As bin/load-spark-env.sh sets them; a worker needs them to start an executor.
        home = {"SPARK_HOME": str(self._home), "SPARK_SCALA_VERSION": "2.12"}
        environment = processes.environment(SPARK_LOCAL_IP="127.0.0.1", **home)
        with log.open("wb") as file:
            process = subprocess.Popen(
                command, env=environment, stdout=file, stderr=file, start_new_session=True, cwd=self._folder
            )
        self.started.append(process)
        return process
