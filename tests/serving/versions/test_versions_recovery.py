"""What the next writer makes of what a dead writer or a full disk left, case by case.

`tests/serving/faults` kills real writers at every call, `test_versions_on_object_store.py` those of an
object store; here each decision is asserted alone, on a disk.
"""

import datetime
import errno
import itertools
import json
import shutil
from pathlib import Path

import pytest

from serving.errors import StoreError
from serving.store import reader
from serving.store.manifest import Facts
from serving.versions import VersionStore

pytestmark = pytest.mark.parametrize("files", ["local"], indirect=True)


@pytest.fixture
def two(store, make_model) -> VersionStore:
    """Versions 1 and 2 of models a and b."""
    for name in "ab":
        store.push(make_model(name), Facts())
    return store


def begun(store, action: str, number: int) -> None:
    """A writer began this, and died."""
    store._writer.journal.append(store._writer.event(action, number, digest="sha256:x", why="wanted"))


def mended(store) -> list[tuple]:
    """The next writer puts the store in order; what it recorded."""
    before = len(store._journal.events())
    with store._writer.locked():
        pass
    found = store._journal.events()[before:]
    assert all(event.recovered for event in found)
    return [(event.action, event.stage, event.version) for event in found]


def half(folder: Path) -> None:
    """A folder of a version that lost its commit file, or has not got it yet."""
    (folder / "variables").mkdir(parents=True)
    (folder / "variables" / "variables.index").write_text("half")


@pytest.mark.parametrize("action", ["push", "promote"])
def test_a_publishing_that_did_not_come_to_its_commit_is_undone(two, root, action):
    begun(two, action, 3)
    half(root / "3")
    assert mended(two) == [(action, "undone", 3)]
    assert not (root / "3").exists()
    assert mended(two) == []


def test_a_publishing_that_came_to_its_commit_is_done(two, root, make_model):
    begun(two, "push", 3)
    make_model("c").rename(root / "3")
    assert mended(two) == [("push", "done", 3)]
    assert two.live().number == 3


def test_a_prune_that_did_not_come_to_its_commit_leaves_the_version(two, root):
    begun(two, "prune", 1)
    assert mended(two) == [("prune", "undone", 1)]
    assert two.verify(1) == []


@pytest.mark.parametrize("place", ["1", ".greenlight/rolled-back/1", ".greenlight/set-aside/1"])
def test_what_a_prune_left_of_a_version_goes(two, root, place):
    shutil.rmtree(root / "1")
    half(root / place)
    begun(two, "prune", 1)
    assert mended(two) == [("prune", "done", 1)]
    assert not (root / place).exists()


@pytest.mark.parametrize("shelf", ["rolled-back", "set-aside"])
def test_a_prune_of_a_version_on_a_shelf_that_is_whole_is_undone(two, root, shelf):
    (root / "2").rename(root / ".greenlight" / shelf / "2")
    begun(two, "prune", 2)
    assert ("prune", "undone", 2) in mended(two)
    assert (root / ".greenlight" / shelf / "2" / "saved_model.pb").exists()


SHELVES = [("rollback", "rolled-back"), ("set-aside", "set-aside")]


@pytest.mark.parametrize(("action", "shelf"), SHELVES)
def test_a_version_that_did_not_leave_the_numbers_stays(two, root, action, shelf):
    begun(two, action, 2)
    half(root / ".greenlight" / shelf / "2")
    assert mended(two) == [(action, "undone", 2)]
    assert not (root / ".greenlight" / shelf / "2").exists()
    assert (two.live().number, two.live().why) == (2, "")


@pytest.mark.parametrize(("action", "shelf"), SHELVES)
def test_a_version_that_left_the_numbers_is_out(two, root, action, shelf):
    begun(two, action, 2)
    (root / "2").rename(root / ".greenlight" / shelf / "2")
    assert mended(two) == [(action, "done", 2)]
    assert [(each.number, each.state) for each in two.versions()] == [(2, shelf), (1, "live")]
    assert two.versions()[0].why == "wanted"


@pytest.mark.parametrize(("action", "shelf"), SHELVES)
def test_what_is_left_of_a_version_on_its_way_out_is_moved_there(two, root, action, shelf):
    begun(two, action, 2)
    (root / "2" / "saved_model.pb").unlink()
    assert mended(two) == [(action, "done", 2)]
    assert not (root / "2").exists()
    assert (root / ".greenlight" / shelf / "2" / "variables").exists()


def test_a_version_that_is_gone_did_not_go_to_a_shelf(two, root):
    begun(two, "rollback", 2)
    shutil.rmtree(root / "2")
    assert mended(two) == [("rollback", "undone", 2)]


def test_what_a_full_disk_kept_out_of_the_journal_is_recorded_later(two, root):
    digest = two.live().digest
    (root / "2").rename(root / ".greenlight" / "rolled-back" / "2")
    assert mended(two) == [("rollback", "done", 2)]
    event = two.history()[-1]
    assert (event.digest, event.why, event.run_id) == (digest, "", None)
    assert mended(two) == []


def full(files, monkeypatch, *, failing: int, error: int = errno.ENOSPC) -> None:
    """The journal takes no line from the `failing`-th on."""
    append, number = files.append, itertools.count(1)

    def append_or_fail(path, line):
        if next(number) >= failing:
            raise OSError(error, "no space")
        append(path, line)

    monkeypatch.setattr(files, "append", append_or_fail)


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_stops_no_rollback(two, files, monkeypatch, error, caplog):
    full(files, monkeypatch, failing=1, error=error)
    assert two.rollback("bad").live == 1
    assert two.versions()[0].state == "rolled-back"
    assert [record.getMessage() for record in caplog.records][:1] == [
        f"rollback 2 is not in the journal: [Errno {error}] no space"
    ]


def test_a_full_disk_stops_no_prune(two, files, monkeypatch):
    full(files, monkeypatch, failing=1)
    assert two.prune(1) == [1]


def test_a_push_that_cannot_be_recorded_is_not_published(two, files, monkeypatch, make_model):
    full(files, monkeypatch, failing=1)
    with pytest.raises(StoreError):
        two.push(make_model("c"), Facts())
    assert two.live().number == 2


def test_a_push_that_is_published_counts_although_its_end_is_not_recorded(
    two, files, monkeypatch, make_model
):
    full(files, monkeypatch, failing=2)
    assert two.push(make_model("c"), Facts()).version == 3
    monkeypatch.undo()
    assert mended(two) == [("push", "done", 3)]


def test_a_journal_that_fails_otherwise_stops_a_rollback(two, files, monkeypatch):
    full(files, monkeypatch, failing=1, error=errno.EIO)
    with pytest.raises(StoreError):
        two.rollback("bad")
    assert two.live().number == 2


def test_left_overs_of_a_dead_writer_go_and_those_of_a_living_one_stay(two, root, files):
    staging = root / ".greenlight" / "staging"
    half(staging / "dead")
    half(staging / "died")
    (staging / "died" / "writer.lock").touch()
    with two._writer.staging() as own:
        assert Path(own).parent.parent == staging
        mended(two)
        assert [path.name for path in staging.iterdir()] == [Path(own).parent.name]
    assert list(staging.iterdir()) == []


def test_left_overs_that_cannot_be_removed_stop_no_writer(two, root, files, monkeypatch, caplog):
    half(root / ".greenlight" / "staging" / "dead")
    remove = files.remove

    def fails(path):
        if path.endswith("dead"):
            raise OSError(errno.EIO, "broken")
        remove(path)

    monkeypatch.setattr(files, "remove", fails)
    assert mended(two) == []
    assert caplog.records[0].getMessage() == (
        "leftovers of an interrupted push cannot be removed: [Errno 5] broken"
    )


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"format": 1}', '{"id": "x"}', '{"format": "a", "id": "x"}']
)
def test_an_identity_that_cannot_be_read_is_made_anew(two, root, content):
    identity = root / ".greenlight" / "store.json"
    identity.write_text(content)
    assert two.store_id == ""
    made = two.create()
    record = json.loads(identity.read_text())
    assert (record["id"], record["format"], len(made)) == (made, 1, 32)
    assert record["created"].endswith("Z")


def test_times_are_utc_to_the_second_wherever_the_clock_is(root, files):
    east = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
    clock = datetime.datetime(2026, 3, 1, 2, 15, 7, 999, tzinfo=east)
    assert VersionStore(root, files=files, clock=lambda: clock)._writer.now() == "2026-02-28T20:45:07Z"


def test_a_store_that_never_stands_still_is_not_listed(two, monkeypatch):
    monkeypatch.setattr(reader, "ATTEMPTS", 3)
    places = itertools.cycle([[], [(9, "elsewhere", "live")]])
    monkeypatch.setattr(two._reader, "_folders", lambda: next(places))
    with pytest.raises(StoreError, match=r"imdb_sentiment changes faster than it can be read\. Try again\.$"):
        two.versions()


def test_a_version_that_moves_while_it_is_looked_at_is_looked_at_again(two, root, monkeypatch):
    folders, number = two._reader._folders, itertools.count()

    def folders_then_move():
        found = folders()
        if next(number) == 0:
            (root / "2").rename(root / ".greenlight" / "rolled-back" / "2")
        return found

    monkeypatch.setattr(two._reader, "_folders", folders_then_move)
    assert [(each.number, each.state) for each in two.versions()] == [(2, "rolled-back"), (1, "live")]


def test_a_version_that_never_stands_still_is_not_verified(two, monkeypatch):
    def moved(version):
        raise FileNotFoundError

    monkeypatch.setattr(two._reader, "check", moved)
    with pytest.raises(StoreError, match=r"^version 2 was moved again and again while it was verified\. Try"):
        two.verify(2)


def test_a_store_that_was_emptied_while_a_rollback_waited_has_nothing_to_roll_back(two, monkeypatch):
    looks = itertools.chain([two._reader.versions()], itertools.repeat([]))
    monkeypatch.setattr(two._reader, "versions", lambda: next(looks))
    with pytest.raises(StoreError, match=r"imdb_sentiment has no version, so there is none to roll back$"):
        two.rollback()
