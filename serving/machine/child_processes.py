"""Child processes that end with their parent process, even after a kill."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

CRASHES = frozenset(
    {signal.SIGABRT, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV, signal.SIGSYS, signal.SIGTRAP}
)
"""Signals raised by native code of the process itself; all other signals come from outside."""
_PARENT = "GREENLIGHT_PARENT_PROCESS"
_PR_SET_PDEATHSIG = 1
_POLL_SECONDS = 0.5


def start(command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    """Starts a process whose first call is `end_with_parent`.

    Args:
      command: the command line.
      options: as `subprocess.Popen` takes them.

    Raises:
      OSError: it cannot be started.
    """
    options["env"] = (options.get("env") or os.environ) | {_PARENT: str(os.getpid())}
    if sys.platform != "linux":
        return subprocess.Popen(command, **options)
    # For PR_SET_PDEATHSIG, the parent is the thread that started the process, see prctl(2). That thread must
    # therefore live as long as the process does.
    started: Future[subprocess.Popen[bytes]] = Future()
    arguments = (started, command, options)
    threading.Thread(target=_start_and_stay, args=arguments, name="child process", daemon=True).start()
    return started.result()


def _start_and_stay(
    started: "Future[subprocess.Popen[bytes]]", command: Sequence[str], options: dict[str, Any]
) -> None:
    try:
        process = subprocess.Popen(command, **options)
    except Exception as error:
        started.set_exception(error)
        return
    started.set_result(process)
    with suppress(ChildProcessError):
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)


def end_with_parent() -> None:
    """Makes this process end with the one that called `start` for it; no effect in other processes."""
    parent = os.environ.pop(_PARENT, None)
    if parent is not None:
        end_with(int(parent))


def end_with(parent: int) -> None:
    """Makes this process end with its parent process, whose id is `parent`.

    On Linux a program that takes this process's place (exec) keeps that; elsewhere it does not.
    """
    if not _kernel_ends_this_process():
        threading.Thread(target=_poll, args=(parent,), daemon=True).start()
    if os.getppid() != parent:  # it ended before prctl was called
        os._exit(1)


def _kernel_ends_this_process() -> bool:
    if sys.platform != "linux":
        return False
    return bool(ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) == 0)


def _poll(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL_SECONDS)
    os._exit(1)
