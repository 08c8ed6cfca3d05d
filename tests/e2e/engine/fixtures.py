"""Fixtures that the proofs on each engine share; `find_engine` of their conftest.py finds the parts."""

import dataclasses
import socket
from collections.abc import Callable, Iterator

import pytest
from e2e.engine.greenlight import Greenlight, with_input_files

from benchmarks.engines import workers
from benchmarks.engines.parts import Engine, Missing
from benchmarks.processes import end, free_port


@pytest.fixture(scope="session")
def engine(find_engine: Callable[[], Engine], tmp_path_factory) -> Engine:
    """The job server, by a path of these proofs' own; without its parts they are skipped.

    The path tells the processes of these proofs from others that run the same job server.
    """
    try:
        found = find_engine()
    except Missing as missing:
        pytest.skip(str(missing))
    print(f"{found.version}: {found.described}")
    own = tmp_path_factory.mktemp("job-server") / found.jar.name
    own.symlink_to(found.jar)
    return dataclasses.replace(found, jar=own)


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
    port = free_port()
    process = workers.start_pool(engine.python, tmp_path_factory.mktemp("pool") / "log", port)
    yield port
    end(process)


@pytest.fixture
def no_worker() -> Iterator[int]:
    """A port where workers are asked for in vain: a job with it keeps what it has of the cluster."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]
