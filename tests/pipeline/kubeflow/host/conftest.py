"""A stand-in for Kubeflow Pipelines' API, and the result that a run on the cluster leaves."""

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipeline import cli

sys.path.append(str(Path(__file__).parent))  # kfp_api is not a test


@pytest.fixture
def api():
    """The stand-in; its runs end well at the first look."""
    from kfp_api import Api, ended, serving

    with serving(Api()) as api:
        api.at_get_run = lambda run: ended(run, "SUCCEEDED", Trainer="SUCCEEDED", Pusher="SUCCEEDED")
        yield api


@pytest.fixture
def store(tmp_path) -> str:
    return str(tmp_path / "models" / "imdb_sentiment")


@pytest.fixture
def keep(store):
    """Leaves the result of a run where its stages would: `keep(verdict="unchanged")`."""
    from pipeline.kubeflow import results
    from pipeline.results.outcome import RunResult

    return lambda run="run-1", **fields: results.save(RunResult(run=run, **fields), store)


@pytest.fixture
def schedule(api, without_compiling):
    """`greenlight schedule` against the stand-in."""
    settings = {"image": "an/image:1", "pipeline_root": "gs://bucket/root", "api.host": api.url}
    flags = [part for key, value in settings.items() for part in ("--set", f"kubeflow.{key}={value}")]
    return lambda *options: CliRunner().invoke(
        cli.cli, ["schedule", *flags, *options], prog_name="greenlight"
    )


@pytest.fixture
def submit(api, tmp_path, without_compiling):
    """`greenlight submit` with settings that fit the stand-in."""

    def run(*options: str, **settings: str):
        defaults = {
            "image": "an/image:1",
            "pipeline_root": "minio://mlpipeline/v2",
            "serving_root": str(tmp_path / "models"),
            "volumes": f'{{"{tmp_path / "models"}" = "models"}}',
            "api.host": api.url,
            "api.poll_seconds": "0.01",
        }
        given = defaults | {key.replace("__", "."): value for key, value in settings.items()}
        flags = [part for key, value in given.items() for part in ("--set", f"kubeflow.{key}={value}")]
        return CliRunner().invoke(cli.cli, ["submit", *flags, *options], prog_name="greenlight")

    return run
