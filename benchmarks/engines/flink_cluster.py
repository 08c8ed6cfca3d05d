"""A standalone Flink cluster on loopback: a JobManager and TaskManagers."""

import dataclasses
import json
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from benchmarks.engines.java_processes import JavaProcesses
from benchmarks.processes import CommandFailed, free_port

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
taskmanager.memory.task.heap.size: {heap_mib}m
taskmanager.memory.task.off-heap.size: {direct_mib}m
taskmanager.memory.network.min: 256m
taskmanager.memory.network.max: 256m
taskmanager.network.sort-shuffle.min-buffers: 64
taskmanager.memory.managed.size: {managed_mib}m
taskmanager.memory.jvm-metaspace.size: 160m
taskmanager.memory.jvm-overhead.min: 64m
taskmanager.memory.jvm-overhead.max: 64m
restart-strategy.type: fixed-delay
restart-strategy.fixed-delay.attempts: 3
restart-strategy.fixed-delay.delay: 3 s
slot.request.timeout: {slot_timeout_ms}
cluster.registration.error-delay: 1000
heartbeat.interval: 1000
heartbeat.rpc-failure-threshold: 2
heartbeat.timeout: 60000
pekko.ask.timeout: 120 s
io.tmp.dirs: {folder}
"""
"""A job starts again later than a lost TaskManager is noticed, after two missed heartbeats; sooner, it would
send its tasks to the lost one again."""
_MAIN = {
    "jobmanager": "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint",
    "taskmanager": "org.apache.flink.runtime.taskexecutor.TaskManagerRunner",
}
_JOB_MANAGER_MIB = 320
_JAVA_MIB = 128
"""Of heap beside that of the tasks."""
_DIRECT_MIB = 384
"""Outside the heap beside that of the tasks: Flink's network, its framework, and its JVM."""
_SECONDS = 200
"""After which a cluster that has not started will not; no slow machine takes as long."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Size:
    """The memory of a TaskManager, which has one slot, and how its Java compiles.

    Attributes:
      heap_mib: for the tasks.
      managed_mib: for sorting and shuffling.
      direct_mib: outside the heap, for what is on its way to the workers.
      java: further options.
    """

    heap_mib: int
    managed_mib: int
    direct_mib: int = 64
    java: tuple[str, ...] = ("-XX:+UseSerialGC",)


SHORT_LIVED = Size(heap_mib=192, managed_mib=96, java=("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"))
"""For little data: Java compiles less, which takes most of the time of such a job."""


class StandaloneCluster(JavaProcesses):
    """Flink's processes with their logs in `folder`; `lib` has Flink's jars. They end with the context."""

    def __init__(self, folder: Path, lib: Path, *, size: Size, slot_timeout_ms: int = 300_000) -> None:
        super().__init__(folder)
        self._lib, self._size = lib.absolute(), size
        rest = free_port()
        self.master = f"127.0.0.1:{rest}"
        self.task_managers: list[subprocess.Popen] = []
        settings = _SETTINGS.format(
            rpc=free_port(),
            rest=rest,
            folder=folder,
            heap_mib=size.heap_mib,
            managed_mib=size.managed_mib,
            direct_mib=size.direct_mib,
            slot_timeout_ms=slot_timeout_ms,
        )
        for name in ("flink-conf.yaml", "config.yaml"):  # up to Flink 1.19, and from 1.19 on
            (folder / name).write_text(settings)

    def _begin(self) -> None:
        self.start("jobmanager")
        self._wait(lambda: self.overview() is not None)

    def start(self, kind: str) -> None:
        """Starts a `jobmanager` or a `taskmanager`."""
        opened = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED]
        java = (*self._size.java, *self._memory(kind), *opened, "-cp", f"{self._lib}/*")
        process = self._java(kind, *java, _MAIN[kind], "--configDir", str(self._folder))
        if kind == "taskmanager":
            self.task_managers.append(process)

    def with_task_managers(self, count: int) -> None:
        """Starts as many and waits until the JobManager knows them."""
        before = len(self.task_managers)
        for _ in range(count):
            self.start("taskmanager")
        self._wait(lambda: (self.overview() or {}).get("taskmanagers") == before + count)

    def _memory(self, kind: str) -> tuple[str, ...]:
        if kind == "jobmanager":
            return (f"-Xmx{_JOB_MANAGER_MIB}m",)
        direct = _DIRECT_MIB + self._size.direct_mib
        return (f"-Xmx{_JAVA_MIB + self._size.heap_mib}m", f"-XX:MaxDirectMemorySize={direct}m")

    def _wait(self, condition: Callable[[], bool]) -> None:
        until = time.monotonic() + _SECONDS
        while not condition():
            if time.monotonic() > until or any(process.poll() is not None for process in self.started):
                raise CommandFailed(f"Flink did not start; its logs are in {self._folder}")
            time.sleep(0.2)

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
