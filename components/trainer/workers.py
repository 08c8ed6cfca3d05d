"""The worker processes of a distributed training: the cluster, their start and supervision.

TensorFlow allows only a fresh process to join a cluster, so even the stage's own part runs in a child
process. A TF_CONFIG in the environment, which a training operator sets, names the processes of a cluster;
without it, all processes are on this machine.
"""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from components import error_file
from components.errors import GreenlightError, InputError, MachineFault
from components.trainer import progress
from components.trainer.settings import TrainerSettings
from serving.machine import child_processes

TF_CONFIG = "TF_CONFIG"
_EXAMPLE = '{"cluster": {"worker": ["host-0:2222", "host-1:2222"]}, "task": {"type": "worker", "index": 0}}'
_log = logging.getLogger(__name__)
_POLL_SECONDS = 0.1
_TAIL = 20_000


def cluster_of(text: str | None) -> dict[str, Any]:
    """The parsed TF_CONFIG.

    Raises:
      InputError: it is not set, or invalid.
    """
    if not text:
        raise InputError(
            "trainer.strategy = 'multi_worker' needs to know the workers: set trainer.workers to their "
            "number on this machine, or TF_CONFIG in the environment, as training operators do."
        )
    try:
        config = json.loads(text)
        task = config["task"]
        if int(task["index"]) < 0:
            raise IndexError("the index of a task is 0 or more")
        config["cluster"][task["type"]][int(task["index"])]
        if task["type"] not in ("chief", "worker"):
            raise ValueError(f"a {task['type']} does not train")
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise InputError(
            f"TF_CONFIG cannot be used ({error!r}); expected something like {_EXAMPLE}"
        ) from None
    return dict(config)


def require_known(settings: TrainerSettings) -> None:
    """Checks before a run that the worker processes are configured.

    Raises:
      InputError: see `cluster_of`.
    """
    if settings.strategy == "multi_worker" and not settings.workers:
        cluster_of(os.environ.get(TF_CONFIG))


def leads(config: dict[str, Any]) -> bool:
    """Whether this is the process that exports."""
    task = config["task"]
    return task["type"] == "chief" or ("chief" not in config["cluster"] and int(task["index"]) == 0)


def run(job: Path, *, workers: int) -> None:
    """Runs `job` in `workers` processes on this machine, or in one process of the cluster of TF_CONFIG.

    Their output is written beside the job. If one fails, the others are ended; if a signal ended it, all are
    started once more.

    Raises:
      InputError: see `cluster_of`.
      MachineFault: a process was killed, and again after the restart.
      GreenlightError: a process failed with a known error.
      RuntimeError: a process failed with another error; the message has its traceback.
    """
    try:
        _run(job, workers=workers)
    except _Ended as ended:
        _log.warning("%s; all are started once more", ended)
        try:
            _run(job, workers=workers)
        except _Ended as again:
            raise again.for_a_person() from again


class _Ended(Exception):
    """A signal ended a training process."""

    def __init__(self, number: int, by: signal.Signals) -> None:
        super().__init__(f"training process {number} was ended by {by.name}")
        self._by = by

    def for_a_person(self) -> GreenlightError:
        if self._by in child_processes.CRASHES:
            return GreenlightError(f"Training crashed twice: {self}. The run's log has its output.")
        return MachineFault(
            f"Training could not be done on this machine: {self}, as the system does when memory runs out, "
            "and again after a restart of all. Free memory, or lower trainer.workers or "
            "trainer.batch_size, and run again."
        )


def _run(job: Path, *, workers: int) -> None:
    configs = (
        [json.dumps(cluster_of(os.environ.get(TF_CONFIG)))] if not workers else _on_this_machine(workers)
    )
    with ExitStack() as after:
        started = [_start(job, config, after, number) for number, config in enumerate(configs)]
        output = after.enter_context((job.parent / "worker-0.out").open(encoding="utf-8"))
        while any(process.poll() is None for process in started):
            _tell(output)
            _require_none_failed(job, started)
            time.sleep(_POLL_SECONDS)
        _tell(output)
        _require_none_failed(job, started)


def _require_none_failed(job: Path, started: Sequence[subprocess.Popen[bytes]]) -> None:
    """Raises the error of a failed process; that of a killed one first, because the others then fail, too."""
    failed = [(code, number) for number, process in enumerate(started) if (code := process.poll())]
    if failed:
        code, number = min(failed)
        raise _failed(job, number, code)


def _on_this_machine(workers: int) -> list[str]:
    """A TF_CONFIG for each worker."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(workers)]
        addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    tasks: Sequence[dict[str, Any]] = [{"type": "worker", "index": index} for index in range(workers)]
    return [json.dumps({"cluster": {"worker": addresses}, "task": task}) for task in tasks]


def _start(job: Path, config: str, after: ExitStack, number: int) -> subprocess.Popen[bytes]:
    root = str(Path(__file__).parents[2])
    known = os.environ.get("PYTHONPATH")
    environment = os.environ | {
        TF_CONFIG: config,
        "PYTHONPATH": os.pathsep.join([root, known] if known else [root]),
        "TF_USE_LEGACY_KERAS": "1",
    }
    output = after.enter_context((job.parent / f"worker-{number}.out").open("wb"))
    errors = after.enter_context((job.parent / f"worker-{number}.log").open("wb"))
    _errors(job, number).unlink(missing_ok=True)  # of the try before
    command = [sys.executable, "-m", "components.trainer.worker", str(job)]
    process = child_processes.start(
        [*command, "--errors", str(_errors(job, number))],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
    )
    after.callback(_end, process)
    return process


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def _tell(output: IO[str]) -> None:
    for line in output:
        progress.report(line.rstrip("\n"))


def _errors(job: Path, number: int) -> Path:
    return job.parent / f"worker-{number}.error.json"


def _failed(job: Path, number: int, code: int) -> Exception:
    log = (job.parent / f"worker-{number}.log").read_text(encoding="utf-8", errors="replace")
    _log.error("training process %d ended with %d:\n%s", number, code, log[-_TAIL:].rstrip())
    if code < 0:
        return _Ended(number, signal.Signals(-code))
    if (told := error_file.read(_errors(job, number))) is not None:
        return told
    words = log.strip().splitlines()[-1:] or ["it wrote no error message"]
    return RuntimeError(f"training process {number} ended with exit code {code}: {words[0].strip()}")
