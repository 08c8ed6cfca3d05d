from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from e2e.engine.fixtures import engine, in_process, make_greenlight, no_worker, pool
from e2e.engine.parts import Engine, Missing
from e2e.flink import parts, standalone

__all__ = ["engine", "in_process", "make_greenlight", "no_worker", "pool"]


@pytest.fixture(scope="session")
def find_engine() -> Callable[[], Engine]:
    return parts.engine


@pytest.fixture(scope="session")
def lib(engine) -> Path:
    """The jars of Flink itself."""
    try:
        return parts.distribution(engine.version)
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def cluster(lib, tmp_path_factory) -> Iterator[standalone.StandaloneCluster]:
    """A JobManager and two TaskManagers."""
    folder = tmp_path_factory.mktemp("cluster")
    with standalone.StandaloneCluster(folder, lib, slot_timeout_ms=20_000) as running:
        running.with_task_managers(2)
        yield running
