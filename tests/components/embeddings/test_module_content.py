"""Which module the settings mean is a question of its content, not of its address."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.embeddings import text_module
from components.embeddings.locate import fingerprint, locate, unchanged
from components.embeddings.settings import EmbeddingSettings
from components.errors import GreenlightError


@pytest.fixture
def other_folder(tmp_path) -> Path:
    text_module.save(tmp_path / "other", words=("good",), vectors=np.ones((2, 2), np.float32))
    return tmp_path / "other"


def test_another_module_at_the_same_address_has_another_fingerprint(
    hub_server, tiny_folder, other_folder, tmp_path
):
    url = hub_server.offer("/google/tiny/1", tiny_folder)
    settings, found = EmbeddingSettings(name=url), []
    for cache, folder in (("first", tiny_folder), ("second", other_folder), ("third", tiny_folder)):
        hub_server.offer("/google/tiny/1", folder)
        locate(settings, cache_dir=tmp_path / cache)
        found.append(fingerprint(settings, cache_dir=tmp_path / cache))
    assert found[0] != found[1]
    assert found[0] == found[2]


def test_the_same_module_at_another_address_has_the_same_fingerprint(hub_server, tiny_folder, tmp_path):
    found = set()
    for path in ("/google/tiny/1", "/mirror/tiny/1"):
        settings = EmbeddingSettings(name=hub_server.offer(path, tiny_folder))
        locate(settings, cache_dir=tmp_path)
        found.add(fingerprint(settings, cache_dir=tmp_path))
    assert len(found) == 1


def test_the_address_stands_for_a_module_that_is_not_there_yet(tmp_path):
    one, other = (EmbeddingSettings(name=f"https://hub.example/{name}/1") for name in ("a", "b"))
    assert fingerprint(one, cache_dir=tmp_path) == fingerprint(one) != fingerprint(other)


def test_a_module_in_a_bucket_is_known_by_its_content(tiny_folder):
    """TensorFlow's memory stands in for a bucket."""
    settings = EmbeddingSettings(name="ram://bucket/module")
    for path in sorted(tiny_folder.rglob("*")):
        if path.is_file():
            with tf.io.gfile.GFile(f"ram://bucket/module/{path.relative_to(tiny_folder)}", "wb") as file:
                file.write(path.read_bytes())
    before = fingerprint(settings)
    with tf.io.gfile.GFile("ram://bucket/module/saved_model.pb", "ab") as file:
        file.write(b"\n")
    assert fingerprint(settings) != before


@pytest.fixture
def copied(tiny_folder, tmp_path) -> Path:
    return Path(shutil.copytree(tiny_folder, tmp_path / "copy"))


def test_a_module_that_stays_as_it_is_may_be_used(copied, tmp_path):
    settings = EmbeddingSettings(name=str(copied))
    with unchanged(settings, cache_dir=tmp_path, expected=fingerprint(settings)):
        assert (copied / "saved_model.pb").is_file()


def test_a_downloaded_module_may_be_used_by_the_fingerprint_that_its_address_had(
    hub_server, tiny_folder, tmp_path
):
    """A compiled pipeline was made where the module is not."""
    settings = EmbeddingSettings(name=hub_server.offer("/google/tiny/1", tiny_folder))
    with unchanged(settings, cache_dir=tmp_path, expected=fingerprint(settings)):
        pass


def replace_and_put_back(folder: Path, other: Path) -> None:
    aside = folder.with_name("aside")
    for source, target in ((folder, aside), (other, folder), (folder, other), (aside, folder)):
        os.rename(source, target)


def rewrite(folder: Path, other: Path) -> None:
    shutil.rmtree(folder)
    shutil.copytree(other, folder)


def touch_a_file(folder: Path, other: Path) -> None:
    path = folder / "saved_model.pb"
    path.write_bytes(path.read_bytes())


@pytest.mark.parametrize("change", [replace_and_put_back, rewrite, touch_a_file])
def test_nothing_is_kept_of_a_module_that_was_changed_while_it_was_used(
    copied, other_folder, tmp_path, change
):
    settings = EmbeddingSettings(name=str(copied))
    with (
        pytest.raises(GreenlightError, match=r"changed while it was used, .* Run again when") as caught,
        unchanged(settings, cache_dir=tmp_path, expected=fingerprint(settings)),
    ):
        change(copied, other_folder)
    assert caught.value.exit_code == 1


def test_a_module_that_was_changed_before_it_was_used_is_not_taken_for_the_expected_one(
    copied, other_folder, tmp_path
):
    settings = EmbeddingSettings(name=str(copied))
    expected = fingerprint(settings)
    rewrite(copied, other_folder)
    with (
        pytest.raises(GreenlightError, match="was changed while it was used"),
        unchanged(settings, cache_dir=tmp_path, expected=expected),
    ):
        pass
