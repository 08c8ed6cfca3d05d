import pytest

from components.batch_prediction.job import Model
from serving.store.manifest import Facts
from serving.versions import VersionStore


@pytest.fixture(scope="module")
def model(tmp_path_factory, small_model) -> Model:
    """Version 1 of a store."""
    store = VersionStore(tmp_path_factory.mktemp("store") / "imdb_sentiment")
    return Model(root=store.root, number=store.push(small_model(), Facts()).version)
