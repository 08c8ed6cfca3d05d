"""locate() for embeddings that are built on this machine, and for folders."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import tensorflow as tf
import tensorflow_hub as hub

from components.embeddings import locate as locate_module
from components.embeddings.locate import fingerprint, locate
from components.embeddings.settings import EmbeddingSettings
from components.errors import InputError

SMALL = EmbeddingSettings(vocabulary_size=50)


@pytest.fixture(scope="module")
def first_cache(tmp_path_factory) -> Path:
    cache = tmp_path_factory.mktemp("cache")
    locate(SMALL, cache_dir=cache)
    return cache


@pytest.fixture
def cache(first_cache, tmp_path) -> Path:
    return shutil.copytree(first_cache, tmp_path / "cache")


@pytest.fixture
def builds(monkeypatch) -> list[Path]:
    """Where something was built since."""
    folders = []
    build = locate_module._build
    monkeypatch.setattr(
        locate_module, "_build", lambda folder, *args: (folders.append(folder), build(folder, *args))
    )
    return folders


def test_it_is_a_working_text_embedding(first_cache):
    folder = Path(locate(SMALL, cache_dir=first_cache))
    assert folder.parent == first_cache / "embeddings" and folder.name == f"glove-6b-50d-{fingerprint(SMALL)}"
    assert hub.load(str(folder))(tf.constant(["the film"])).shape == (1, 50)


def test_it_is_built_once_and_says_so(tmp_path, builds):
    lines = []
    first = locate(SMALL, cache_dir=tmp_path, progress=lines.append)
    second = locate(SMALL, cache_dir=tmp_path, progress=lines.append)
    assert first == second and len(builds) == 1
    assert lines == ["building the embedding glove-6b-50d, 50 words (once)"]


def test_another_vocabulary_is_another_module(first_cache):
    larger = EmbeddingSettings(vocabulary_size=60)
    assert fingerprint(larger) != fingerprint(SMALL)
    assert locate(larger, cache_dir=first_cache) != locate(SMALL, cache_dir=first_cache)


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "saved_model.pb").unlink(),
        lambda folder: os.truncate(folder / "variables" / "variables.data-00000-of-00001", 1000),
        lambda folder: shutil.rmtree(folder / "assets"),
        lambda folder: folder.with_name(folder.name + ".seal.json").unlink(),
    ],
    ids=["no graph", "truncated variables", "no assets", "never finished"],
)
def test_a_damaged_copy_is_built_again(cache, builds, damage):
    damage(Path(locate(SMALL, cache_dir=cache)))
    folder = locate(SMALL, cache_dir=cache)
    assert len(builds) == 1
    assert hub.load(folder)(tf.constant(["the film"])).shape == (1, 50)


def test_a_build_that_dies_leaves_nothing_behind(tmp_path, monkeypatch):
    def dies(folder, settings):
        folder.mkdir()
        (folder / "saved_model.pb").touch()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(locate_module, "_build", dies)
        with pytest.raises(KeyboardInterrupt):
            locate(SMALL, cache_dir=tmp_path)
    assert [path.name for path in (tmp_path / "embeddings").iterdir() if path.is_dir()] == []
    assert hub.load(locate(SMALL, cache_dir=tmp_path))(tf.constant(["the"])).shape == (1, 50)


def test_who_asks_at_the_same_time_gets_the_one_build(tmp_path, builds):
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: locate(SMALL, cache_dir=tmp_path), range(4)))
    assert len(set(found)) == 1 and len(builds) == 1


def test_a_cache_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(
        InputError, match=r"The cache folder .*file/embeddings cannot be written: .* Set cache_dir"
    ):
        locate(SMALL, cache_dir=tmp_path / "file")


def test_a_folder_is_taken_as_it_is(tiny_folder, tmp_path):
    assert locate(EmbeddingSettings(name=str(tiny_folder)), cache_dir=tmp_path) == str(tiny_folder)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_no_saved_model_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"is not a SavedModel \(no saved_model.pb in it\)"):
        locate(EmbeddingSettings(name=str(tmp_path)), cache_dir=tmp_path)


def test_a_folders_fingerprint_is_its_content(tiny_folder, tmp_path):
    copy = EmbeddingSettings(name=str(shutil.copytree(tiny_folder, tmp_path / "copy")))
    before = fingerprint(copy)
    assert fingerprint(copy) == before
    with (tmp_path / "copy" / "saved_model.pb").open("ab") as file:
        file.write(b"\n")
    assert fingerprint(copy) != before
