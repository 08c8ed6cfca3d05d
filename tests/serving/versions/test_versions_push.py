"""Pushing: the next number, all files, once."""

import datetime
import json

import pytest

from serving.errors import StoreError, StoreInputError
from serving.store.manifest import Facts
from serving.versions import VersionStore


def test_first_push_is_version_1_and_live(store, make_model, root):
    result = store.push(make_model("a"), Facts(metrics={"accuracy": 0.88}))
    assert (result.outcome, result.version, result.path) == ("pushed", 1, str(root / "1"))
    live = store.live()
    assert (live.number, live.state, live.metrics, live.problems) == (1, "live", {"accuracy": 0.88}, ())
    assert store.verify(1) == []


def test_version_holds_the_model_and_its_manifest(store, make_model, root):
    model = make_model("a")
    store.push(model, Facts())
    pushed = {path.relative_to(root / "1"): path for path in (root / "1").rglob("*") if path.is_file()}
    original = {path.relative_to(model): path for path in model.rglob("*") if path.is_file()}
    assert {str(path) for path in pushed.keys() - original.keys()} == {"greenlight.manifest.json"}
    assert all(pushed[path].read_bytes() == original[path].read_bytes() for path in original)


def test_manifest_keeps_the_facts(root, files, make_model):
    clock = datetime.datetime(2026, 11, 22, 10, 11, 12, tzinfo=datetime.UTC)
    facts = Facts(run_id="run-1", data_fingerprint="d", code_version="c", conditions=({"metric": "auc"},))
    VersionStore(root, files=files, clock=lambda: clock).push(make_model("a"), facts)
    record = json.loads((root / "1" / "greenlight.manifest.json").read_text())
    assert record["created"] == "2026-11-22T10:11:12Z"
    assert (record["run_id"], record["data_fingerprint"], record["code_version"]) == ("run-1", "d", "c")
    assert record["conditions"] == [{"metric": "auc"}]


def test_versions_grow(store, make_model):
    numbers = [store.push(make_model(name), Facts()).version for name in "abc"]
    assert numbers == [1, 2, 3]
    states = [(version.number, version.state) for version in store.versions()]
    assert states == [(3, "live"), (2, "previous"), (1, "older")]


def test_live_model_is_not_pushed_twice(store, make_model):
    store.push(make_model("a"), Facts())
    again = store.push(make_model("a"), Facts(run_id="another"))
    assert (again.outcome, again.version) == ("unchanged", 1)
    assert again.reason == "version 1 is live and is the same model"


def test_model_that_was_live_before_is_pushed_again(store, make_model):
    for name in "ab":
        store.push(make_model(name), Facts())
    assert store.push(make_model("a"), Facts()).version == 3


def test_damaged_live_version_is_replaced_by_pushing_the_same_model(store, make_model, root):
    store.push(make_model("a"), Facts())
    file = root / "1" / "variables" / "variables.data-00000-of-00001"
    file.write_text("A" + file.read_text()[1:])
    assert store.push(make_model("a"), Facts()).version == 2
    assert store.verify(2) == []


def test_number_is_larger_than_any_that_others_left(store, make_model, root):
    (root / "1732270000").mkdir(parents=True)
    (root / "0099999999999").mkdir()
    (root / "not-a-number").mkdir()
    assert store.push(make_model("a"), Facts()).version == 100000000000


def test_number_is_never_used_again(store, make_model, root):
    for name in "abc":
        store.push(make_model(name), Facts())
    store.rollback()
    store.prune(1, rolled_back=True)
    assert [version.number for version in store.versions()] == [2]
    assert store.push(make_model("d"), Facts()).version == 4


def test_folder_without_saved_model_is_refused(store, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(StoreInputError, match=r"has no saved_model.pb: it is not a SavedModel") as caught:
        store.push(tmp_path / "empty", Facts())
    assert caught.value.exit_code == 2


def test_model_that_changes_while_it_is_copied_is_not_published(store, make_model, files, monkeypatch):
    model = make_model("a")
    store.create()
    write = files.write

    def change_then_write(path, chunks):
        (model / "saved_model.pb").write_text("changed")
        write(path, chunks)

    monkeypatch.setattr(files, "write", change_then_write)
    with pytest.raises(
        StoreError, match=r"saved_model\.pb changed while it was copied; nothing was published"
    ):
        store.push(model, Facts())
    assert store.versions() == []


def test_manifest_of_a_pushed_version_is_no_part_of_the_model(store, make_model, root):
    digest = store.push(make_model("a"), Facts()).digest
    assert store.push(root / "1", Facts()).outcome == "unchanged"
    assert store.live().digest == digest


def test_version_from_the_future_is_not_pushed_over(store, make_model, root):
    store.push(make_model("a"), Facts())
    path = root / "1" / "greenlight.manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 2}))
    with pytest.raises(
        StoreError, match=r"nothing was published: .*1/greenlight\.manifest\.json has format 2"
    ):
        store.push(make_model("b"), Facts())


def test_links_are_pushed_as_what_they_point_to(store, make_model, root):
    model = make_model("a")
    (model / "assets").symlink_to(make_model("other") / "variables")
    store.push(model, Facts())
    assert (root / "1" / "assets" / "variables.index").read_text() == "index of other"
    assert not (root / "1" / "assets").is_symlink()


def test_one_writer_waits_for_another_and_then_says_who_holds_the_store(store, make_model):
    store.create()
    other = VersionStore(store.root, files=store._files)
    with (
        other._writer.locked(),
        pytest.raises(StoreError, match=r"lock is held by process \d+ on .*; waited 0\.2 s\. Try again"),
    ):
        store.push(make_model("a"), Facts())
    assert store.push(make_model("a"), Facts()).outcome == "pushed"


def while_copying(files, monkeypatch, then):
    """Calls `then` once, in the middle of the next copy of a model: the store's lock is not held there."""
    write, pending = files.write, [then]

    def write_and_then(path, chunks):
        write(path, chunks)
        if pending and path.endswith("fingerprint.pb"):
            pending.pop()()

    monkeypatch.setattr(files, "write", write_and_then)


def test_of_two_pushes_of_one_model_at_a_time_one_publishes(store, make_model, files, monkeypatch):
    other, results = VersionStore(store.root, files=files, wait_seconds=0.2), []
    model = make_model("a")
    while_copying(files, monkeypatch, lambda: results.append(other.push(model, Facts())))
    results.append(store.push(model, Facts()))
    assert [(result.outcome, result.version) for result in results] == [("pushed", 1), ("unchanged", 1)]
    assert [version.number for version in store.versions()] == [1]


def test_of_two_pushes_of_two_models_at_a_time_both_publish(store, make_model, files, monkeypatch):
    other, results = VersionStore(store.root, files=files, wait_seconds=0.2), []
    model = make_model("b")
    while_copying(files, monkeypatch, lambda: results.append(other.push(model, Facts())))
    results.append(store.push(make_model("a"), Facts()))
    assert [(result.outcome, result.version) for result in results] == [("pushed", 1), ("pushed", 2)]
    assert [store.verify(number) for number in (1, 2)] == [[], []]


def test_a_model_that_is_rolled_back_while_it_is_pushed_again_is_rejected(
    store, make_model, files, monkeypatch
):
    other = VersionStore(store.root, files=files, wait_seconds=0.2)
    store.push(make_model("good"), Facts())

    def push_and_roll_back():
        other.push(make_model("a"), Facts())
        other.rollback("complaints")

    while_copying(files, monkeypatch, push_and_roll_back)
    result = store.push(make_model("a"), Facts())
    assert (result.outcome, result.version) == ("rejected", 2)
    assert store.live().number == 1
