"""The state of the process that tests share: loggers, environment, working directory, signals, TensorFlow.

What one test or an import leaves there must not decide how another test ends.
"""

import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD, signal.SIGUSR1)


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Runs its body without the log handlers that imports left, and puts everything back afterwards."""
    with _loggers(), _environment(), _signals(), _interpreter(), _tensorflow():
        yield


@contextlib.contextmanager
def _loggers() -> Iterator[None]:
    root = logging.getLogger()
    known, before = {root, *_named_loggers()}, {root: _settings_of(root), **_set_loggers()}
    # TFX and absl add handlers to the root logger when they are imported, which depends on earlier tests.
    root.handlers = [handler for handler in root.handlers if type(handler).__module__ == "_pytest.logging"]
    disabled = logging.root.manager.disable
    try:
        yield
    finally:
        logging.disable(disabled)
        for logger in known & (before.keys() | _set_loggers().keys()):
            handlers, logger.propagate, logger.disabled, level = before.get(logger, _AS_MADE)
            logger.handlers = list(handlers)
            if logger.level != level:
                logger.setLevel(level)


_Settings = tuple[tuple[logging.Handler, ...], bool, bool, int]
_AS_MADE: _Settings = ((), True, False, logging.NOTSET)


def _settings_of(logger: logging.Logger) -> _Settings:
    return tuple(logger.handlers), logger.propagate, logger.disabled, logger.level


def _set_loggers() -> dict[logging.Logger, _Settings]:
    """The few of hundreds of named loggers that are not as they were made."""
    return {
        logger: _settings_of(logger)
        for logger in _named_loggers()
        if logger.handlers or not logger.propagate or logger.disabled or logger.level
    }


def _named_loggers() -> list[logging.Logger]:
    return [found for found in logging.root.manager.loggerDict.values() if isinstance(found, logging.Logger)]


@contextlib.contextmanager
def _environment() -> Iterator[None]:
    environment, folder = dict(os.environ), os.getcwd()
    try:
        yield
    finally:
        os.chdir(folder)
        if os.environ != environment:
            os.environ.clear()
            os.environ.update(environment)


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in before.items():
                if handler is not None and signal.getsignal(number) is not handler:
                    signal.signal(number, handler)


@contextlib.contextmanager
def _interpreter() -> Iterator[None]:
    argv, path = list(sys.argv), list(sys.path)
    hooks = sys.excepthook, threading.excepthook
    try:
        yield
    finally:
        sys.argv[:], sys.path[:] = argv, path
        sys.excepthook, threading.excepthook = hooks


@contextlib.contextmanager
def _tensorflow() -> Iterator[None]:
    """What a test leaves of eager functions; nothing where TensorFlow was not loaded before."""
    tensorflow = sys.modules.get("tensorflow")
    config = getattr(tensorflow, "config", None)  # absent while another thread is importing TensorFlow
    if config is None:
        yield
        return
    eagerly = config.functions_run_eagerly()
    try:
        yield
    finally:
        config.run_functions_eagerly(eagerly)
