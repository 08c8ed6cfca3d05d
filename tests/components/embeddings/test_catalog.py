import pytest

from components.embeddings import catalog
from components.errors import InputError


def test_a_catalog_name_is_found():
    embedding = catalog.find("gnews-swivel-20dim")
    assert embedding.kind == "hub"
    assert embedding.handle == "https://tfhub.dev/google/tf2-preview/gnews-swivel-20dim/1"
    assert embedding.dimensions == 20


def test_names_are_unique_and_hub_handles_name_a_version():
    assert len({entry.name for entry in catalog.CATALOG}) == len(catalog.CATALOG)
    for entry in catalog.CATALOG:
        if entry.kind == "hub":
            assert entry.handle.startswith("https://tfhub.dev/") and entry.handle.rsplit("/", 1)[1].isdigit()


@pytest.mark.parametrize("url", ["https://tfhub.dev/google/nnlm-en-dim50/2", "gs://bucket/module"])
def test_a_url_stands_for_itself(url):
    embedding = catalog.find(url)
    assert (embedding.kind, embedding.handle, embedding.dimensions) == ("hub", url, None)


def test_a_folder_is_made_absolute(tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "saved_model.pb").touch()
    monkeypatch.chdir(tmp_path)
    for name in ("mine", "./mine", str(tmp_path / "mine")):
        embedding = catalog.find(name)
        assert (embedding.kind, embedding.handle) == ("folder", str((tmp_path / "mine").resolve()))


def test_an_unknown_name_gets_the_nearest_and_the_whole_catalog():
    with pytest.raises(InputError) as caught:
        catalog.find("glove-6b-100d")
    message = str(caught.value)
    assert (
        "embedding.name = 'glove-6b-100d' is not a known embedding. Did you mean 'glove-6b-50d'?" in message
    )
    assert all(entry.name in message for entry in catalog.CATALOG)


def test_a_path_that_is_not_there_is_called_a_folder():
    with pytest.raises(InputError, match=r"embedding.name = './nowhere': there is no such folder"):
        catalog.find("./nowhere")


def test_a_folder_without_a_model_is_said_before_anything_heavy_is_loaded(tmp_path):
    with pytest.raises(InputError) as caught:
        catalog.find(str(tmp_path))
    assert str(caught.value) == (
        f"embedding.name = '{tmp_path}': {tmp_path} is not a SavedModel (no saved_model.pb in it). "
        "Give the folder that holds saved_model.pb, variables/ and assets/."
    )
