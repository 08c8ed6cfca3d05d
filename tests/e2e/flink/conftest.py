from collections.abc import Callable, Iterator
from pathlib import Path

import processes
import pytest
from e2e.engine import pool as pools
from e2e.engine.greenlight import Greenlight, with_input_files
from e2e.engine.parts import Engine, Missing
from e2e.flink import parts, standalone


@pytest.fixture(scope="session")
def engine() -> Engine:
    try:
        found = parts.engine()
    except Missing as missing:
        pytest.skip(str(missing))
    print(f"Flink {found.version}: {found.described}")
    return found


@pytest.fixture(scope="session")
def make_greenlight(engine, tmp_path_factory) -> Callable[..., Greenlight]:
    """Makes a workspace with input files; its commands take settings of Beam."""
    base = tmp_path_factory.mktemp("flink")

    def make(name: str, *beam: str) -> Greenlight:
        return with_input_files(base / name, python=engine.python, beam=beam)

    return make


@pytest.fixture(scope="session")
def in_process(make_greenlight) -> Greenlight:
    """A workspace whose stages ran in the command's own process."""
    return make_greenlight("in-process").promoted()


@pytest.fixture(scope="session")
def lib(engine) -> Path:
    """The jars of Flink itself."""
    try:
        return parts.distribution(engine.version)
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def pool(engine, tmp_path_factory) -> Iterator[int]:
    """The port of a pool of workers."""
    port = processes.free_port()
    process = pools.start(engine.python, tmp_path_factory.mktemp("pool") / "log", port)
    yield port
    pools.end(process)


@pytest.fixture(scope="module")
def cluster(lib, tmp_path_factory) -> Iterator[standalone.StandaloneCluster]:
    """A JobManager and two TaskManagers."""
    folder = tmp_path_factory.mktemp("cluster")
    with standalone.StandaloneCluster(folder, lib, slot_timeout_ms=20_000) as running:
        running.with_task_managers(2)
        yield running
