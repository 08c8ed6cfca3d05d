"""Whole pipelines on a few hundred real reviews, with real TFX, Beam, MLMD and TFMA, in one process."""

from collections.abc import Callable
from pathlib import Path

import pytest
from small_run import SMALL_RUN

from pipeline import config
from pipeline.console.plain import Console
from pipeline.engine import local_runner
from pipeline.results.outcome import RunResult

Run = Callable[..., RunResult]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, embedding_cache: Path) -> Run:
    """Runs the pipeline in a workspace of the module's own (or `workspace`) with further settings."""
    shared = tmp_path_factory.mktemp("workspace")

    def start(*assignments: str, workspace: Path = shared, use_cache: bool = True) -> RunResult:
        given = (f"workspace={workspace}", f"cache_dir={embedding_cache}", *SMALL_RUN, *assignments)
        return local_runner.run(config.load(assignments=given), console=Console(), use_cache=use_cache)

    return start
