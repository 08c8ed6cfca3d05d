"""Records: files about a model that go with it, listed and verified, and no part of what the model is."""

import json

import pytest

from serving.errors import StoreError
from serving.store.manifest import REVIEWS_NAME, Facts


@pytest.fixture
def record(tmp_path) -> dict[str, str]:
    path = tmp_path / "record"
    path.write_bytes(b"hashes of reviews")
    return {REVIEWS_NAME: str(path)}


def test_a_record_lies_beside_the_manifest_which_lists_it(store, make_model, root, record):
    store.push(make_model("a"), Facts(data={"settings": {"split_salt": "1"}}), records=record)

    assert (root / "1" / REVIEWS_NAME).read_bytes() == b"hashes of reviews"
    manifest = json.loads((root / "1" / "greenlight.manifest.json").read_text())
    assert manifest["records"][REVIEWS_NAME]["size"] == 17
    assert REVIEWS_NAME not in manifest["files"]
    assert manifest["data"] == {"settings": {"split_salt": "1"}}
    assert store.verify(1) == []


def test_the_same_model_with_another_record_is_the_same_model(store, make_model, record):
    first = store.push(make_model("a"), Facts())
    again = store.push(make_model("a"), Facts(), records=record)

    assert (again.outcome, again.digest) == ("unchanged", first.digest)


def test_a_record_goes_with_every_copy_and_every_rollback(store, make_model, root, record):
    store.push(make_model("a"), Facts(), records=record)
    store.push(make_model("b"), Facts())
    store.promote(1)
    assert (root / "3" / REVIEWS_NAME).read_bytes() == b"hashes of reviews"
    assert store.verify(3) == []

    store.rollback()
    assert (root / ".greenlight" / "rolled-back" / "3" / REVIEWS_NAME).exists()
    assert store.promote(3).version == 4
    assert store.verify(4) == []


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (
            lambda path: path.write_bytes(b"hashes of REVIEWS"),
            "was changed: its sha256 is not the manifest's",
        ),
        (lambda path: path.write_bytes(b"hashes"), "was truncated: 6 bytes, 17 in the manifest"),
        (lambda path: path.unlink(), "is missing"),
    ],
)
def test_a_damaged_record_is_found(store, make_model, root, record, damage, what):
    store.push(make_model("a"), Facts(), records=record)
    damage(root / "1" / REVIEWS_NAME)

    assert [str(problem) for problem in store.verify(1)] == [f"version 1: {REVIEWS_NAME} {what}"]


def test_a_record_that_nobody_pushed_is_found(store, make_model, root):
    store.push(make_model("a"), Facts())
    (root / "1" / REVIEWS_NAME).write_bytes(b"forged")

    assert [str(problem) for problem in store.verify(1)] == [
        f"version 1: {REVIEWS_NAME} is not in the manifest"
    ]


def test_a_record_that_changes_while_it_is_copied_is_not_published(store, make_model, record, monkeypatch):
    from serving.store import publish

    write = publish.Writer.staging

    def changing(writer):
        with open(record[REVIEWS_NAME], "ab") as file:
            file.write(b" and more")
        return write(writer)

    monkeypatch.setattr(publish.Writer, "staging", changing)
    with pytest.raises(StoreError, match="record changed while it was copied; nothing was published"):
        store.push(make_model("a"), Facts(), records=record)
    assert store.versions() == []
