"""Whole pipelines on a few hundred real reviews, with real TFX, Beam, MLMD and TFMA, in one process."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import config
from pipeline.console.plain import Console
from pipeline.engine import local_runner
from pipeline.results.outcome import RunResult

SMALL = ("data.limit=600", "embedding.vocabulary_size=2000", "trainer.epochs=6", "trainer.batch_size=64")
"""600 of the packaged reviews and a small vocabulary: a run in a few seconds."""

Run = Callable[..., RunResult]


@pytest.fixture(scope="session")
def embedding_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, embedding_cache: Path) -> Run:
    """Runs the pipeline in a workspace of the module's own (or `workspace`) with further settings."""
    shared = tmp_path_factory.mktemp("workspace")

    def start(*assignments: str, workspace: Path = shared, use_cache: bool = True) -> RunResult:
        given = (f"workspace={workspace}", f"cache_dir={embedding_cache}", *SMALL, *assignments)
        return local_runner.run(config.load(assignments=given), console=Console(), use_cache=use_cache)

    return start
