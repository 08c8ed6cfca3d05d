"""The log of a run: file descriptors 1 and 2 are redirected into it while the run is captured.

TensorFlow's C++ code, Beam's workers and subprocesses write directly to the descriptors, not to `sys.stdout`.
Therefore the descriptors are redirected; the console has a duplicate of the real one (`real_stdout`).
"""

from __future__ import annotations

import ctypes
import io
import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from components.errors import GreenlightError, MachineFault
from serving.machine import faults

LINE = "%(asctime)s %(levelname)-7s [%(threadName)s] %(name)s: %(message)s"

_turned = threading.Lock()  # descriptors belong to the whole process: one capture at a time


@contextmanager
def real_stdout() -> Iterator[TextIO]:
    """A stream to the current standard output, which `capture` does not redirect.

    If `sys.stdout` is not a real descriptor, such as the buffer of a test, it is yielded itself.
    """
    with _beside(sys.stdout, 1) as stream:
        yield stream


@contextmanager
def real_stderr() -> Iterator[TextIO]:
    """A stream to the current standard error, as `real_stdout`."""
    with _beside(sys.stderr, 2) as stream:
        yield stream


@contextmanager
def _beside(stream: TextIO, descriptor: int) -> Iterator[TextIO]:
    if not _leads_to(stream, descriptor):
        yield stream
        return
    stream.flush()
    duplicate = open(os.dup(descriptor), "w", buffering=1, encoding=stream.encoding, errors="replace")  # noqa: SIM115
    try:
        yield duplicate
    finally:
        with suppress(OSError):  # the reader has closed the pipe
            duplicate.close()


@contextmanager
def capture(log: Path) -> Iterator[None]:
    """Redirects standard output and standard error to the file `log` inside the `with` block.

    The redirection covers all threads of this process and its child processes. Log records of level INFO and
    above are appended, too.

    Raises:
      GreenlightError: another capture is active in this process, or the log cannot be written.
    """
    if not _turned.acquire(blocking=False):
        raise GreenlightError(
            "Another run is active in this process and captures all output. Wait for its end."
        )
    try:
        with _log_file(log) as target, _turn_descriptors(target), _turn_python_streams(), _log_records():
            yield
    finally:
        _turned.release()


@contextmanager
def _log_file(log: Path) -> Iterator[int]:
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    except OSError as error:
        remedy = faults.remedy_of(error, log)
        kind = MachineFault if remedy else GreenlightError
        raise kind(f"The log {log} cannot be written: {remedy or error.strerror or error}") from error
    try:
        yield target
    finally:
        os.close(target)


@contextmanager
def _turn_descriptors(target: int) -> Iterator[None]:
    _flush()
    kept = {}
    for descriptor in (1, 2):
        with suppress(OSError):  # a daemon may have closed it: then it is not restored
            kept[descriptor] = os.dup(descriptor)
        os.dup2(target, descriptor)
    try:
        yield
    finally:
        _flush()
        for descriptor in (1, 2):
            if descriptor in kept:
                os.dup2(kept[descriptor], descriptor)
                os.close(kept[descriptor])
            else:
                os.close(descriptor)


@contextmanager
def _turn_python_streams() -> Iterator[None]:
    """Points `sys.stdout` and `sys.stderr` at the descriptors if they are other streams.

    The replacements are never closed: a logging handler may keep one and continue to write to it.
    """
    before = sys.stdout, sys.stderr
    if not _leads_to(sys.stdout, 1):
        sys.stdout = _stream_to(1)
    if not _leads_to(sys.stderr, 2):
        sys.stderr = _stream_to(2)
    try:
        yield
    finally:
        _flush()
        sys.stdout, sys.stderr = before


@contextmanager
def _log_records() -> Iterator[None]:
    root = logging.getLogger()
    handler = logging.StreamHandler(_stream_to(2))
    handler.setFormatter(logging.Formatter(LINE))
    handler.setLevel(logging.INFO)
    level = root.level
    root.addHandler(handler)
    root.setLevel(min(level, logging.INFO) or logging.INFO)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.setLevel(level)
        root.removeHandler(handler)


def _leads_to(stream: TextIO | None, descriptor: int) -> bool:
    try:
        return stream is not None and stream.fileno() == descriptor
    except (OSError, ValueError, AttributeError, io.UnsupportedOperation):
        return False


def _stream_to(descriptor: int) -> TextIO:
    return open(descriptor, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False)


def _flush() -> None:
    """Flushes the buffers of Python and C, so that no output crosses a redirection."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    ctypes.CDLL(None).fflush(None)
