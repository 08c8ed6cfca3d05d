"""A store with two versions, and the commands that deploy them."""

import pytest

from pipeline.deployment.release import Release
from serving.store.manifest import Facts
from serving.versions import VersionStore


@pytest.fixture
def store(tmp_path) -> VersionStore:
    store = VersionStore(tmp_path / "workspace" / "serving" / "imdb_sentiment")
    for number in (1, 2):
        model = tmp_path / f"model-{number}"
        (model / "variables").mkdir(parents=True)
        (model / "saved_model.pb").write_text(f"model {number}")
        (model / "variables" / "variables.index").write_text("index")
        (model / "assets").mkdir()
        (model / "assets" / "words and more.txt").write_text("film")
        store.push(model, Facts())
    return store


@pytest.fixture
def release() -> Release:
    return Release(
        model_name="imdb_sentiment",
        version=3,
        store="/srv/greenlight/serving/imdb_sentiment",
        digest="sha256:" + "ab" * 32,
    )
