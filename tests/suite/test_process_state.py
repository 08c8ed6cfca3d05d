"""A test leaves the process as it found it, whatever it sets."""

import logging
import os
import signal
import sys
import threading

from suite import process_state


def state() -> dict[str, object]:
    return {
        "root handlers": list(logging.getLogger().handlers),
        "root level": logging.getLogger().level,
        "library": (logging.getLogger("a library").level, logging.getLogger("a library").propagate),
        "disabled": logging.root.manager.disable,
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "SIGTERM": signal.getsignal(signal.SIGTERM),
        "arguments": list(sys.argv),
        "path": list(sys.path),
        "hooks": (sys.excepthook, threading.excepthook),
    }


def test_everything_is_put_back(tmp_path):
    logging.getLogger("a library")
    before = state()
    with process_state.kept():
        logging.basicConfig(level=logging.DEBUG, force=True)
        logging.getLogger("a library").setLevel(logging.ERROR)
        logging.getLogger("a library").propagate = False
        logging.disable(logging.INFO)
        os.environ["LEFT_BY_A_TEST"] = "yes"
        os.environ.pop("PATH")
        os.chdir(tmp_path)
        signal.signal(signal.SIGTERM, lambda *_: None)
        sys.argv[:] = ["another"]
        sys.path.append("/another")
        sys.excepthook = threading.excepthook = print
        assert {name for name, value in state().items() if value == before[name]} == set()
    assert state() == before


def test_handlers_that_an_import_left_are_out_of_the_way():
    left = logging.StreamHandler()
    logging.getLogger().addHandler(left)
    try:
        with process_state.kept():
            assert left not in logging.getLogger().handlers
        assert left in logging.getLogger().handlers
    finally:
        logging.getLogger().removeHandler(left)


def test_functions_run_as_graphs_again():
    import tensorflow as tf

    with process_state.kept():
        tf.config.run_functions_eagerly(True)
    assert not tf.config.functions_run_eagerly()
