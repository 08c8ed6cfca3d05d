from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from e2e.engine.fixtures import engine, in_process, make_greenlight, no_worker, pool

from benchmarks.engines import flink
from benchmarks.engines.flink_cluster import SHORT_LIVED, StandaloneCluster
from benchmarks.engines.parts import Engine, Missing

__all__ = ["engine", "in_process", "make_greenlight", "no_worker", "pool"]


@pytest.fixture(scope="session")
def find_engine() -> Callable[[], Engine]:
    return flink.engine


@pytest.fixture(scope="session")
def lib(engine) -> Path:
    """The jars of Flink itself."""
    try:
        return flink.distribution(engine.version)
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def cluster(lib, tmp_path_factory) -> Iterator[StandaloneCluster]:
    """A JobManager and two TaskManagers."""
    folder = tmp_path_factory.mktemp("cluster")
    with StandaloneCluster(folder, lib, size=SHORT_LIVED, slot_timeout_ms=10_000) as running:
        running.with_task_managers(2)
        yield running
