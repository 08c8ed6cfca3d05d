"""Fake models and stores for the tests of serving/."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from disk_objects import DiskObjects

from serving.storage.files import Files
from serving.storage.local import LocalFiles
from serving.versions import VersionStore

ModelMaker = Callable[[str], Path]


class Unsynced:
    """The os module, but that nothing waits for the disk: a test survives no power cut anyway."""

    def __getattr__(self, name):
        return (lambda handle: None) if name == "fsync" else getattr(os, name)


@pytest.fixture
def make_model(tmp_path) -> ModelMaker:
    """Make a folder that looks like a SavedModel, with a content of its own for each name."""

    def make(name: str) -> Path:
        model = tmp_path / "models" / name
        for path, content in {
            "saved_model.pb": name * 100,
            "fingerprint.pb": name,
            "variables/variables.index": f"index of {name}",
            "variables/variables.data-00000-of-00001": name * 1000,
        }.items():
            (model / path).parent.mkdir(parents=True, exist_ok=True)
            (model / path).write_text(content)
        return model

    return make


@pytest.fixture(params=["local", "objects"])
def files(request) -> Files:
    """The file operations of a disk, without its waits, and those of an object store over the same disk."""
    if request.param == "local":
        return LocalFiles(Unsynced())
    return DiskObjects()


@pytest.fixture
def root(tmp_path) -> Path:
    return tmp_path / "serving" / "imdb_sentiment"


@pytest.fixture
def store(root, files) -> VersionStore:
    return VersionStore(root, files=files, wait_seconds=0.2)
