"""The folder of a version of the model: where it is, or a verified copy of one in a bucket."""

from pathlib import Path

import obstore
import pytest
from obstore.store import MemoryStore

from components.errors import DataStopped, GreenlightError
from pipeline.config import load
from pipeline.console.plain import Console
from pipeline.engine.local_runner import _Attempt
from pipeline.workspace.layout import Workspace
from pipeline.workspace.version_store import folder_of, store_root
from serving.storage.objects import ObjectFiles
from serving.store.manifest import Facts
from serving.versions import VersionStore


@pytest.fixture
def bucket(monkeypatch):
    bucket = MemoryStore()
    monkeypatch.setattr("serving.versions.files_for", lambda root, **options: ObjectFiles(bucket))
    return bucket


@pytest.fixture
def in_bucket(tmp_path):
    return load(assignments=[f"workspace={tmp_path}", "model_name=mail", "push.serving_root=s3://models"])


@pytest.fixture
def model(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "saved_model.pb").write_bytes(b"graph")
    return tmp_path / "model"


def test_a_version_in_a_bucket_is_copied_here_and_the_copy_ends_with_the_block(bucket, in_bucket, model):
    store = VersionStore(store_root(in_bucket))
    store.push(model, Facts())
    with folder_of(store.live(), in_bucket) as folder:
        assert Path(folder, "saved_model.pb").read_bytes() == b"graph"
    assert not Path(folder).exists()


def test_a_version_that_was_changed_in_the_bucket_is_refused(bucket, in_bucket, model):
    store = VersionStore(store_root(in_bucket))
    store.push(model, Facts())
    obstore.put(bucket, "mail/1/saved_model.pb", b"other")
    refused = pytest.raises(GreenlightError, match=r"^Version 1 does not match its manifest and was not ")
    with refused, folder_of(store.live(), in_bucket):
        pytest.fail("loaded")


def test_a_version_on_this_machine_stays_where_it_is(tmp_path, model):
    settings = load(assignments=[f"workspace={tmp_path}", "model_name=mail"])
    store = VersionStore(store_root(settings))
    store.push(model, Facts())
    with folder_of(store.live(), settings) as folder:
        assert folder == str(tmp_path / "serving" / "mail" / "1")


def test_a_version_that_was_changed_on_this_machine_is_refused(tmp_path, model):
    settings = load(assignments=[f"workspace={tmp_path}", "model_name=mail"])
    store = VersionStore(store_root(settings))
    Path(store.push(model, Facts()).path, "saved_model.pb").write_bytes(b"other")
    refused = pytest.raises(GreenlightError, match=r"^Version 1 does not match its manifest and was not ")
    with refused, folder_of(store.live(), settings):
        pytest.fail("loaded")


def test_the_result_of_a_run_has_the_address_of_a_version_in_a_bucket(bucket, in_bucket, model):
    VersionStore(store_root(in_bucket)).push(model, Facts())
    attempt = _Attempt(in_bucket, Workspace.of(in_bucket), "20260921-120000.000001", Console())
    assert attempt.stopped(DataStopped("too few")).model_path == "s3://models/mail/1"
