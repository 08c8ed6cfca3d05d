"""What the store remembers: its id, its history with torn lines, and whether something pushed may be gone."""

import json
import shutil

from serving.store.manifest import Facts
from serving.versions import VersionStore


def test_id_is_made_once(store, root, files):
    made = store.create()
    assert len(made) == 32
    assert store.create() == VersionStore(root, files=files).store_id == made


def test_wiped_store_has_another_id(store, root):
    before = store.create()
    shutil.rmtree(root)
    assert store.create() != before


def test_generation_is_the_same_before_the_first_push_and_while_the_model_is_live(store, make_model):
    store.create()
    before = store.generation("a model nobody pushed")
    for name in "ab":
        digest = store.push(make_model(name), Facts()).digest
        assert store.generation(digest) == before
    store.promote(1)
    assert store.generation(store.live().digest) == before


def test_generation_is_another_one_for_each_version_above_a_model(store, make_model):
    digest = store.push(make_model("a"), Facts()).digest
    seen = [store.generation(digest)]
    for name in "bc":
        store.push(make_model(name), Facts())
        seen.append(store.generation(digest))
    assert [text.removeprefix(seen[0]) for text in seen] == ["", "-behind-2", "-behind-3"]


def test_generation_changes_with_every_way_of_losing_a_version(store, make_model, root):
    for name in "abcde":
        store.push(make_model(name), Facts())
    seen = [store.generation("a model nobody pushed")]
    store.rollback()
    seen.append(store.generation("a model nobody pushed"))
    store.prune(3)
    seen.append(store.generation("a model nobody pushed"))
    shutil.rmtree(root / "4")
    seen.append(store.generation("a model nobody pushed"))
    (root / "3" / "saved_model.pb").write_text("x")
    seen.append(store.generation("a model nobody pushed"))
    shutil.rmtree(root)
    store.create()
    seen.append(store.generation("a model nobody pushed"))
    assert len(set(seen)) == len(seen)


def test_torn_last_line_is_passed_over_and_the_next_event_starts_a_line(store, make_model, root):
    store.push(make_model("a"), Facts())
    journal = root / ".greenlight" / "journal.jsonl"
    journal.write_text(journal.read_text() + '{"at": "2026-11-22T10:00:00Z", "acti')
    assert [event.version for event in store.history()] == [1]
    store.push(make_model("b"), Facts())
    assert [event.version for event in store.history()] == [1, 2]


def test_lines_that_are_no_events_are_passed_over(store, make_model, root):
    store.push(make_model("a"), Facts())
    journal = root / ".greenlight" / "journal.jsonl"
    journal.write_text('[]\n{"version": "x"}\n\x00\x00\n' + journal.read_text())
    assert [event.version for event in store.history()] == [1]


def test_lost_journal_and_identity_leave_the_versions_as_they_are(store, make_model, root):
    for name in "ab":
        store.push(make_model(name), Facts())
    shutil.rmtree(root / ".greenlight")
    assert [version.number for version in store.versions()] == [2, 1]
    assert store.push(make_model("c"), Facts()).version == 3


def test_journal_is_one_json_object_a_line(store, make_model, root):
    store.push(make_model("a"), Facts(run_id="run-1"), why="better")
    lines = [json.loads(line) for line in (root / ".greenlight" / "journal.jsonl").read_text().splitlines()]
    assert [(line["action"], line["stage"], line["version"]) for line in lines] == [
        ("push", "begin", 1),
        ("push", "done", 1),
    ]
    assert (lines[1]["run_id"], lines[1]["why"], lines[1]["recovered"]) == ("run-1", "better", False)
