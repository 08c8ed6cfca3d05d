from collections.abc import Callable, Iterator

import pytest
from e2e.engine.fixtures import engine, in_process, make_greenlight, no_worker, pool
from e2e.spark import parts, standalone

from benchmarks.engines.parts import Engine, Missing

__all__ = ["engine", "in_process", "make_greenlight", "no_worker", "pool"]


@pytest.fixture(scope="session")
def find_engine() -> Callable[[], Engine]:
    return parts.engine


@pytest.fixture(scope="session")
def libraries() -> str:
    """The class path of newer libraries for the executors."""
    try:
        return ":".join(map(str, parts.libraries()))
    except Missing as missing:
        pytest.skip(str(missing))


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
