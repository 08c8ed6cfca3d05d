from collections.abc import Callable, Iterator

import processes
import pytest
from e2e.engine import pool as pools
from e2e.engine.greenlight import Greenlight, with_input_files
from e2e.engine.parts import Engine, Missing
from e2e.spark import parts, standalone


@pytest.fixture(scope="session")
def engine() -> Engine:
    try:
        found = parts.engine()
    except Missing as missing:
        pytest.skip(str(missing))
    print(f"Spark {found.version}: {found.described}")
    return found


@pytest.fixture(scope="session")
def make_greenlight(engine, tmp_path_factory) -> Callable[..., Greenlight]:
    """Makes a workspace with input files; its commands take settings of Beam."""
    base = tmp_path_factory.mktemp("spark")

    def make(name: str, *beam: str) -> Greenlight:
        return with_input_files(base / name, python=engine.python, beam=beam)

    return make


@pytest.fixture(scope="session")
def in_process(make_greenlight) -> Greenlight:
    """A workspace whose stages ran in the command's own process."""
    return make_greenlight("in-process").promoted()


@pytest.fixture(scope="session")
def libraries() -> str:
    """The class path of newer libraries for the executors."""
    try:
        return ":".join(map(str, parts.libraries()))
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def pool(engine, tmp_path_factory) -> Iterator[int]:
    """The port of a pool of Beam's workers."""
    port = processes.free_port()
    process = pools.start(engine.python, tmp_path_factory.mktemp("pool") / "log", port)
    yield port
    pools.end(process)


@pytest.fixture(scope="module")
def cluster(engine, tmp_path_factory) -> Iterator[standalone.StandaloneCluster]:
    """A master and two workers of one core each."""
    try:
        home = parts.distribution(engine.version)
    except Missing as missing:
        pytest.skip(str(missing))
    with standalone.StandaloneCluster(tmp_path_factory.mktemp("cluster"), home) as running:
        running.with_workers(2)
        yield running
