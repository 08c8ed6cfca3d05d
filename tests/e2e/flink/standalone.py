"""A standalone Flink cluster on loopback: a JobManager and TaskManagers."""

import json
import subprocess
import urllib.request
from pathlib import Path

import processes
import waiting
from e2e.engine import pool

_OPENED = ("java.lang", "java.util", "java.net", "java.io", "java.nio", "java.util.concurrent", "java.time")
_SETTINGS = """\
jobmanager.rpc.address: 127.0.0.1
jobmanager.rpc.port: {rpc}
jobmanager.bind-host: 127.0.0.1
rest.address: 127.0.0.1
rest.bind-address: 127.0.0.1
rest.port: {rest}
taskmanager.host: 127.0.0.1
taskmanager.bind-host: 127.0.0.1
taskmanager.numberOfTaskSlots: 1
taskmanager.cpu.cores: 1
taskmanager.memory.framework.heap.size: 96m
taskmanager.memory.framework.off-heap.size: 64m
taskmanager.memory.task.heap.size: 192m
taskmanager.memory.task.off-heap.size: 64m
taskmanager.memory.network.min: 256m
taskmanager.memory.network.max: 256m
taskmanager.network.sort-shuffle.min-buffers: 64
taskmanager.memory.managed.size: 96m
taskmanager.memory.jvm-metaspace.size: 160m
taskmanager.memory.jvm-overhead.min: 64m
taskmanager.memory.jvm-overhead.max: 64m
restart-strategy.type: fixed-delay
restart-strategy.fixed-delay.attempts: 2
restart-strategy.fixed-delay.delay: 1 s
slot.request.timeout: {slot_timeout_ms}
cluster.registration.error-delay: 1000
heartbeat.interval: 2000
heartbeat.timeout: 60000
pekko.ask.timeout: 120 s
io.tmp.dirs: {folder}
"""
_MAIN = {
    "jobmanager": "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint",
    "taskmanager": "org.apache.flink.runtime.taskexecutor.TaskManagerRunner",
}
_SHORT_LIVED = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""Java compiles less, which takes most of the time of a job on little data."""
_MEMORY = {"jobmanager": ("-Xmx320m",), "taskmanager": ("-Xmx320m", "-XX:MaxDirectMemorySize=448m")}


class StandaloneCluster:
    """Flink's processes with their logs in `folder`; `lib` has Flink's jars. They end with the context."""

    def __init__(self, folder: Path, lib: Path, *, slot_timeout_ms: int = 300_000) -> None:
        self._folder, self._lib = folder, lib
        self._rest = processes.free_port()
        self.master = f"127.0.0.1:{self._rest}"
        self.started: list[subprocess.Popen] = []
        self.task_managers: list[subprocess.Popen] = []
        settings = _SETTINGS.format(
            rpc=processes.free_port(), rest=self._rest, folder=folder, slot_timeout_ms=slot_timeout_ms
        )
        for name in ("flink-conf.yaml", "config.yaml"):  # up to Flink 1.19, and from 1.19 on
            (folder / name).write_text(settings)

    def __enter__(self) -> "StandaloneCluster":
        self.start("jobmanager")
        waiting.until(lambda: self.overview() is not None)
        return self

    def __exit__(self, *error: object) -> None:
        pool.end(*self.started)

    def start(self, kind: str) -> None:
        """Starts a `jobmanager` or a `taskmanager`."""
        opened = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED]
        command = ["java", *_SHORT_LIVED, *_MEMORY[kind], *opened, "-cp", f"{self._lib}/*", _MAIN[kind]]
        log = self._folder / f"{kind}-{len(self.started)}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [*command, "--configDir", str(self._folder)], stdout=file, stderr=file, start_new_session=True
            )
        self.started.append(process)
        if kind == "taskmanager":
            self.task_managers.append(process)

    def with_task_managers(self, count: int) -> None:
        """Starts as many and waits until the JobManager knows them."""
        before = (self.overview() or {})["taskmanagers"]
        for _ in range(count):
            self.start("taskmanager")
        waiting.until(lambda: (self.overview() or {}).get("taskmanagers") == before + count)

    def overview(self) -> dict | None:
        return self.get("/overview")

    def jobs(self) -> list[dict]:
        return (self.get("/jobs/overview") or {"jobs": []})["jobs"]

    def get(self, path: str) -> dict | None:
        try:
            with urllib.request.urlopen(f"http://{self.master}{path}", timeout=10) as response:
                return json.load(response)
        except OSError:
            return None
