"""Verifying: whatever does not match is named."""

import json
import shutil

import pytest

from serving.errors import StoreError, StoreInputError
from serving.store.manifest import Facts
from serving.versions import VersionStore


@pytest.fixture
def version(store, make_model, root):
    """The folder of version 1 in a store that has it alone."""
    store.push(make_model("a"), Facts())
    return root / "1"


def said(store, number=1):
    return [str(problem) for problem in store.verify(number)]


def test_whole_version_has_no_problem(store, version):
    assert said(store) == []


def test_changed_file_of_the_same_size_is_found(store, version):
    path = version / "variables" / "variables.index"
    path.write_text(path.read_text().upper())
    assert said(store) == [
        "version 1: variables/variables.index was changed: its sha256 is not the manifest's"
    ]
    assert store.live().problems == ()


def test_truncated_saved_model_is_found_without_reading_it(store, version):
    path = version / "saved_model.pb"
    path.write_text(path.read_text()[:40])
    what = "version 1: saved_model.pb was truncated: 40 bytes, 100 in the manifest"
    assert said(store) == [what]
    assert [str(problem) for problem in store.live().problems] == [what]


def test_file_that_grew_is_found(store, version):
    with (version / "fingerprint.pb").open("a") as file:
        file.write("x")
    assert said(store) == ["version 1: fingerprint.pb has grown: 2 bytes, 1 in the manifest"]


def test_missing_and_added_files_are_named(store, version):
    (version / "fingerprint.pb").unlink()
    (version / "variables" / "more").write_text("x")
    assert said(store) == [
        "version 1: fingerprint.pb is missing",
        "version 1: variables/more is not in the manifest",
    ]


def test_missing_manifest_is_named(store, version):
    (version / "greenlight.manifest.json").unlink()
    assert said(store) == [
        "version 1: greenlight.manifest.json is missing: "
        "this version was not pushed by Greenlight, or lost the file since"
    ]


def test_manifest_from_the_future_is_named(store, version):
    path = version / "greenlight.manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 9}))
    assert said(store) == [
        "version 1: greenlight.manifest.json has format 9, and this Greenlight reads formats up to 1: "
        "update Greenlight"
    ]


def test_folder_copied_to_another_number_is_found(store, version, root):
    shutil.copytree(version, root / "2")
    assert said(store, 2) == ["version 2: greenlight.manifest.json is that of version 1"]


def test_number_without_saved_model_is_incomplete_and_not_live(store, version, root):
    (root / "2").mkdir()
    assert [(found.number, found.state) for found in store.versions()] == [(2, "incomplete"), (1, "live")]


def test_unknown_version_is_refused_with_those_that_exist(store, version, root):
    with pytest.raises(
        StoreInputError, match=r"version 3 is not in .*imdb_sentiment; there are: 1$"
    ) as caught:
        store.verify(3)
    assert caught.value.exit_code == 2


def test_a_version_that_goes_before_it_is_looked_at_is_a_problem(store, version):
    assert [str(problem) for problem in store._reader.verify(7)] == ["version 7: . is not in the store"]


def test_store_that_is_not_there_has_no_versions(store):
    assert store.versions() == []
    assert store.live() is None
    assert store.store_id == ""


def test_store_from_the_future_is_refused(version, root, files):
    (root / ".greenlight" / "store.json").write_text('{"format": 2, "id": "x"}')
    with pytest.raises(
        StoreError, match=r"store.json has format 2, and this Greenlight supports stores up to 1"
    ):
        VersionStore(root, files=files)


def test_path_under_a_file_is_refused_in_plain_words(tmp_path, make_model):
    (tmp_path / "file").write_text("x")
    with pytest.raises(
        StoreError, match=r"Part of that path is a file, not a folder: choose another workspace\."
    ):
        VersionStore(tmp_path / "file" / "serving").push(make_model("a"), Facts())
