"""The Java processes of a cluster, which end with a `with` block, and also with this process."""

import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from benchmarks.processes import end
from serving.machine.bound_command import bound


class JavaProcesses(ABC):
    """Processes with their logs and temporary files in `folder`; those of a killed one go with it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.started: list[subprocess.Popen] = []

    def __enter__(self) -> Self:
        try:
            self._begin()
        except BaseException:
            end(*self.started)
            raise
        return self

    def __exit__(self, *error: object) -> None:
        end(*self.started)

    @abstractmethod
    def _begin(self) -> None:
        """Starts the process that the others need, and waits for it."""

    def _java(
        self, name: str, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen:
        """Starts `java`; environment: all variables, None for those of this process."""
        command = bound(["java", f"-Djava.io.tmpdir={self._folder}", *arguments])
        log = self._folder / f"{name}-{len(self.started)}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(command, env=environment, stdout=file, stderr=file, cwd=self._folder)
        self.started.append(process)
        return process
