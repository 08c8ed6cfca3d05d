"""A store in a bucket: the order of writes and their conditions, not a rename, keep half versions away."""

import contextlib
import datetime
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import obstore
import pytest
from obstore.store import MemoryStore

import serving.storage.objects
from serving.errors import StoreBusy, StoreError, StoreInputError
from serving.storage.lease import Lease
from serving.storage.objects import ObjectFiles, _LeaseObject
from serving.storage.resolve import files_for
from serving.store.manifest import Facts
from serving.versions import VersionStore

ROOT = "s3://models/serving/imdb"
LOCK = f"{ROOT}/.greenlight/lock"
CHANGES = ("put", "copy", "delete")


class Died(BaseException):
    """The process is gone: nothing catches this, and nothing is cleaned up after it."""


class DyingClient:
    """obstore whose process dies before its `step`-th change, and so does nothing more after it."""

    def __init__(self, step: int) -> None:
        self.changes: list[str] = []
        self._step = step

    def __getattr__(self, name):
        real = getattr(obstore, name)

        def call(bucket, path, *arguments, **options):
            if name in CHANGES and ".trial-" not in path and ".clock" not in path:
                self.changes.append(name)
                if len(self.changes) >= self._step:
                    raise Died
            return real(bucket, path, *arguments, **options)

        return call


class ClientWithoutConditions:
    """obstore at a store that ignores the conditions of writes, as some do without an error."""

    def __getattr__(self, name):
        real = getattr(obstore, name)

        def call(*arguments, mode="overwrite", **options):
            return real(*arguments, **options)

        return call if name == "put" else real


class Later(ObjectFiles):
    """The store some time later: what was written until now is old, and the leases of the dead have ended."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self._opened = datetime.datetime.now(datetime.UTC)

    def _written(self, path):
        written = super()._written(path)
        return written - datetime.timedelta(seconds=1000) if written < self._opened else written


def open_store(bucket, files=ObjectFiles, *, wait_seconds=0.0, **options):
    return VersionStore(ROOT, files=files(bucket, pause=0.01, **options), wait_seconds=wait_seconds)


def names(bucket):
    return sorted(one["path"] for one in obstore.list(bucket, "serving").collect())


@pytest.fixture
def bucket():
    return MemoryStore()


def with_two_versions(make_model):
    bucket = MemoryStore()
    for name in "ab":
        open_store(bucket).push(make_model(name), Facts())
    return bucket


def states(bucket):
    return tuple(f"{version.number} {version.state}" for version in open_store(bucket).versions())


def assert_sound(bucket):
    """Whatever has its saved_model.pb is whole, and one such version is live."""
    store = open_store(bucket)
    there = [version for version in store.versions() if version.published]
    assert there
    assert [store.verify(version.number) for version in there] == [[]] * len(there)


ACTIONS = {
    "push": (lambda store, model: store.push(model("c"), Facts()), {"2 live", "3 live"}),
    "rollback": (lambda store, model: store.rollback(expect=2), {"2 live", "1 live"}),
    "prune": (lambda store, model: store.prune(1), {"2 live"}),
}


@pytest.mark.parametrize("action", ACTIONS)
def test_death_at_any_change_leaves_no_half_version(make_model, monkeypatch, action):
    run, expected = ACTIONS[action]
    step, seen = 0, set()
    while True:
        step += 1
        bucket = with_two_versions(make_model)
        with monkeypatch.context() as patch:
            client = DyingClient(step)
            patch.setattr(serving.storage.objects, "obstore", client)
            with contextlib.suppress(Died):
                run(open_store(bucket), make_model)
        if len(client.changes) < step:
            break
        assert_sound(bucket)
        seen |= {state for state in states(bucket) if state.endswith("live")}
        run(open_store(bucket, Later), make_model)
        assert_sound(bucket)
        assert "incomplete" not in " ".join(states(bucket))
        assert not [name for name in names(bucket) if "/staging/" in name]
    assert seen == expected
    assert step >= 10


def test_saved_model_comes_last_and_goes_first(bucket, make_model, monkeypatch):
    order = []

    class Recording:
        def __getattr__(self, name):
            real = getattr(obstore, name)

            def call(bucket, path, *arguments, **options):
                if name in CHANGES:
                    order.append((name, arguments[0] if name == "copy" else path, options.get("mode")))
                return real(bucket, path, *arguments, **options)

            return call

    monkeypatch.setattr(serving.storage.objects, "obstore", Recording())
    store = open_store(bucket)
    store.push(make_model("a"), Facts())
    written = [change for change in order if change[1].startswith("serving/imdb/1/")]
    assert written[-1] == ("put", "serving/imdb/1/saved_model.pb", "create")
    assert ("copy", "serving/imdb/1/greenlight.manifest.json", None) in written
    order.clear()
    store.push(make_model("b"), Facts())
    store.prune(1)
    deleted = [path for name, path, _ in order if name == "delete" and path.startswith("serving/imdb/1/")]
    assert deleted[0] == "serving/imdb/1/saved_model.pb"


def test_file_that_arrives_damaged_is_not_published(bucket, make_model, monkeypatch):
    store = open_store(bucket)
    store.push(make_model("a"), Facts())

    class Damaging:
        def __getattr__(self, name):
            real = getattr(obstore, name)

            def copy(bucket, source, target):
                real(bucket, source, target)
                if target.endswith("variables.index"):
                    obstore.put(bucket, target, b"damaged")

            return copy if name == "copy" else real

    with monkeypatch.context() as patch:
        patch.setattr(serving.storage.objects, "obstore", Damaging())
        with pytest.raises(
            StoreError, match=r"2/variables/variables.index is not what was written; nothing was published"
        ):
            store.push(make_model("b"), Facts())
    assert store.published() == [1]
    assert store.push(make_model("b"), Facts()).version == 3
    assert store.published() == [3, 1]


def test_lease_of_a_dead_writer_blocks_until_its_end(bucket, make_model, monkeypatch):
    open_store(bucket).push(make_model("a"), Facts())
    with monkeypatch.context() as patch:
        patch.setattr(serving.storage.objects, "obstore", DyingClient(2))
        with pytest.raises(Died):
            open_store(bucket).push(make_model("b"), Facts())
    busy = r"lock is held by process \d+ on .*; if it died, its lease ends 180 s after its last renewal"
    with pytest.raises(StoreBusy, match=busy):
        open_store(bucket).push(make_model("b"), Facts())
    assert open_store(bucket, Later).push(make_model("b"), Facts()).outcome == "pushed"


def test_writer_that_stood_still_publishes_nothing(bucket, make_model):
    now = {"seconds": 0.0}
    store = open_store(bucket, clock=lambda: now["seconds"])
    store.push(make_model("a"), Facts())
    check = store._reader.next_number

    def after_a_while():
        now["seconds"] += 121  # the lease has 180 seconds, and a write can take 60
        return check()

    store._reader.next_number = after_a_while
    with pytest.raises(StoreBusy, match=r"the lease .*/lock ran out before the work was done\. Try again\."):
        store.push(make_model("b"), Facts())
    assert open_store(bucket).published() == [1]


def test_of_many_takers_of_one_lease_one_gets_it(bucket):
    files = ObjectFiles(bucket)
    assert files.conditional(LOCK)
    for turn in range(50):
        start = threading.Barrier(8)
        place = _LeaseObject(files, f"{LOCK}{turn // 2}")  # each second time one that was given back

        def take(start=start, place=place):
            lease = Lease(place, seconds=180, slowest_write=60, clock=time.monotonic)
            start.wait()
            return lease if lease.take() else None

        with ThreadPoolExecutor(8) as takers:
            got = [taken for taken in [takers.submit(take) for _ in range(8)] if taken.result()]
        assert len(got) == 1
        with got[0].result().kept():
            pass


@pytest.fixture
def no_conditions(monkeypatch):
    monkeypatch.setattr(serving.storage.objects, "obstore", ClientWithoutConditions())


def test_store_without_conditional_writes_is_refused_before_anything_is_written(
    no_conditions, bucket, make_model
):
    with pytest.raises(
        StoreInputError, match=r"does not obey conditional writes .* --set push\.single_writer=true"
    ):
        open_store(bucket).push(make_model("a"), Facts())
    assert names(bucket) == []


def test_single_writer_of_a_store_without_conditional_writes(no_conditions, bucket, make_model, caplog):
    store = open_store(bucket, single_writer=True)
    for name in "ab":
        store.push(make_model(name), Facts())
    store.rollback("worse")
    assert states(bucket) == ("2 rolled-back", "1 live")
    assert "no conditional writes; push.single_writer says that there is one writer" in caplog.text
    with store._writer.locked(), pytest.raises(StoreBusy, match="is held by process"):
        open_store(bucket, single_writer=True).push(make_model("c"), Facts())


def test_journal_that_another_writer_changed_is_not_overwritten(bucket, make_model, monkeypatch):
    files = ObjectFiles(bucket)
    path = f"{ROOT}/journal"
    files.append(path, b"one")
    tagged = files._tagged

    def changed_after_reading(path):
        found = tagged(path)
        files._tagged = tagged
        files.append(path, b"theirs")
        return found

    files._tagged = changed_after_reading
    with pytest.raises(StoreBusy, match=r"another writer changed .*/journal at the same time"):
        files.append(path, b"mine")
    assert files.read(path) == b"one\ntheirs\n"


def test_lost_object_is_named(bucket, make_model):
    store = open_store(bucket)
    store.push(make_model("a"), Facts())
    obstore.delete(bucket, "serving/imdb/1/variables/variables.index")
    assert [str(problem) for problem in store.verify(1)] == [
        "version 1: variables/variables.index is missing"
    ]


def test_empty_objects_that_stand_for_folders_are_no_files_of_a_version(bucket, make_model):
    store = open_store(bucket)
    store.push(make_model("a"), Facts())
    obstore.put(bucket, "serving/imdb/1/variables", b"")
    assert store.verify(1) == []


def test_store_of_an_address_is_opened_by_its_bucket(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    with pytest.raises(
        StoreInputError, match=r"no credentials for s3://models/imdb were found\. Set AWS_ACCESS_KEY_ID"
    ):
        files_for("s3://models/imdb")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert isinstance(files_for("s3://models/imdb"), ObjectFiles)
    with pytest.raises(
        StoreInputError, match=r"hdfs://models is not the address of a version store: expected a folder"
    ):
        files_for("hdfs://models")


def test_object_that_another_writer_deleted_first_is_deleted(bucket, make_model, monkeypatch):
    """Google Cloud Storage answers 404 to the deletion of an absent object, and S3 does not."""
    store = open_store(bucket)
    for name in "ab":
        store.push(make_model(name), Facts())

    class TwoCleaners:
        def __getattr__(self, name):
            real = getattr(obstore, name)

            def delete(bucket, path):
                real(bucket, path)
                raise FileNotFoundError(path)

            return delete if name == "delete" else real

    monkeypatch.setattr(serving.storage.objects, "obstore", TwoCleaners())
    assert store.prune(1) == [1]
    assert store.published() == [2]
