"""Fixtures that the proofs on each engine share; `find_engine` of their conftest.py finds the parts."""

import socket
from collections.abc import Callable, Iterator

import processes
import pytest
from e2e.engine import pool as pools
from e2e.engine.greenlight import Greenlight, with_input_files
from e2e.engine.parts import Engine, Missing


@pytest.fixture(scope="session")
def engine(find_engine: Callable[[], Engine]) -> Engine:
    """The job server; without its parts the proofs are skipped."""
    try:
        found = find_engine()
    except Missing as missing:
        pytest.skip(str(missing))
    print(f"{found.version}: {found.described}")
    return found


@pytest.fixture(scope="session")
def make_greenlight(engine, tmp_path_factory) -> Callable[..., Greenlight]:
    """Makes a workspace with input files; its commands take settings of Beam."""
    base = tmp_path_factory.mktemp("engine")

    def make(name: str, *beam: str) -> Greenlight:
        return with_input_files(base / name, python=engine.python, beam=beam)

    return make


@pytest.fixture(scope="session")
def in_process(make_greenlight) -> Greenlight:
    """A workspace whose stages ran in the command's own process."""
    return make_greenlight("in-process").promoted()


@pytest.fixture(scope="module")
def pool(engine, tmp_path_factory) -> Iterator[int]:
    """The port of a pool of workers."""
    port = processes.free_port()
    process = pools.start(engine.python, tmp_path_factory.mktemp("pool") / "log", port)
    yield port
    pools.end(process)


@pytest.fixture
def no_worker() -> Iterator[int]:
    """A port where workers are asked for in vain: a job with it keeps what it has of the cluster."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]
