"""CPU time and memory of all processes that this one has started, and that those have started."""

import contextlib
import threading
from collections.abc import Iterator

import psutil

_EVERY_SECONDS = 1.0


class ProcessTree:
    """Linux only. `cpu`: seconds since it was made; `peak_mib`: the most memory at one time, sampled.

    Memory that several processes share, such as libraries, counts once (PSS).
    """

    def __init__(self) -> None:
        self._before = _cpu()
        self.peak_mib = 0.0

    @property
    def cpu(self) -> float:
        return _cpu() - self._before

    @contextlib.contextmanager
    def sampled(self) -> Iterator[None]:
        """Samples the memory until the end of the context."""
        done = threading.Event()
        thread = threading.Thread(target=self._sample, args=(done,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _sample(self, done: threading.Event) -> None:
        while not done.wait(_EVERY_SECONDS):
            self.peak_mib = max(self.peak_mib, sum(map(_mib, _started())))


def _started() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def _cpu() -> float:
    """Of the processes that live, and of those that ended and whose end was waited for."""
    own = psutil.Process().cpu_times()
    total = own.children_user + own.children_system
    for process in _started():
        with contextlib.suppress(psutil.NoSuchProcess):
            total += sum(process.cpu_times()[:4])
    return total


def _mib(process: psutil.Process) -> float:
    try:
        return process.memory_full_info().pss / 2**20
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0.0
