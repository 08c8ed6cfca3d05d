"""The operating system's calls with a fault at a chosen one, for LocalFiles in place of the os module."""

import errno
import os
from collections.abc import Callable
from typing import Any

Fault = Callable[[str, Callable[..., Any], tuple[Any, ...]], Any]

CRASHED = 99
ALLOCATING = ("mkdir", "write", "ftruncate")
CHANGING = ("mkdir", "write", "ftruncate", "rename", "unlink", "rmdir")


class FaultySystem:
    """Counts calls from 1 on; `fault` answers those for which `chosen(count, name, arguments)` says so."""

    def __init__(self, fault: Fault, chosen: Callable[[int, str, tuple[Any, ...]], bool]) -> None:
        self.calls: list[str] = []
        self.hits: list[int] = []
        self._fault = fault
        self._chosen = chosen

    def __getattr__(self, name: str) -> Callable[..., Any]:
        real = getattr(os, name)

        def call(*arguments: Any) -> Any:
            self.calls.append(name)
            if self._chosen(len(self.calls), name, arguments):
                self.hits.append(len(self.calls))
                return self._fault(name, real, arguments)
            return real(*arguments)

        return call


def at(step: int) -> Callable[[int, str, tuple[Any, ...]], bool]:
    """The call with that number, alone."""
    return lambda count, name, arguments: count == step


def changing_from(step: int) -> Callable[[int, str, tuple[Any, ...]], bool]:
    """Every call that changes the disk, from that number on."""

    def chosen(count: int, name: str, arguments: tuple[Any, ...]) -> bool:
        changes = name in CHANGING or (name == "open" and bool(arguments[1] & (os.O_WRONLY | os.O_RDWR)))
        return count >= step and changes

    return chosen


def allocating_from(step: int) -> Callable[[int, str, tuple[Any, ...]], bool]:
    """Every call that takes space on the disk, from that number on: renames and removals still work."""

    def chosen(count: int, name: str, arguments: tuple[Any, ...]) -> bool:
        creates = name == "open" and bool(arguments[1] & os.O_CREAT) and not os.path.exists(arguments[0])
        return count >= step and (name in ALLOCATING or creates)

    return chosen


def crash(name: str, real: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """Die before the call, as by kill -9."""
    os._exit(CRASHED)


def tear(name: str, real: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """Die in the middle of a write, and right after any other call."""
    try:
        if name == "write":
            handle, data = arguments
            real(handle, data[: len(data) // 2])
        else:
            real(*arguments)
    finally:
        os._exit(CRASHED)


def fail_with(number: int) -> Fault:
    """Answer with an OSError; a closed handle is closed all the same."""

    def fault(name: str, real: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        if name == "close":
            real(*arguments)
        path = arguments[0] if arguments and isinstance(arguments[0], str) else None
        raise OSError(number, os.strerror(number), path)

    return fault


FULL_DISK = fail_with(errno.ENOSPC)
READ_ONLY = fail_with(errno.EROFS)
BROKEN_DISK = fail_with(errno.EIO)
