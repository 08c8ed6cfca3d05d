"""Writes whose answers are lost: of a push, of the lease and of the trial of conditions."""

import time

import obstore
import pytest
from obstore import exceptions
from obstore.store import MemoryStore

import serving.storage.objects
from serving.errors import StoreBusy, StoreError
from serving.storage.bucket_errors import WriteConflict
from serving.storage.lease import Lease
from serving.storage.objects import ObjectFiles, _LeaseObject
from serving.store.manifest import Facts
from serving.versions import VersionStore

ROOT = "s3://models/serving/imdb"
LOCK = f"{ROOT}/.greenlight/lock"


@pytest.fixture
def bucket():
    return MemoryStore()


def open_store(bucket):
    return VersionStore(ROOT, files=ObjectFiles(bucket, pause=0.01), wait_seconds=0.0)


class Place:
    """A place of a lease whose next write is done, is sent again and conflicts with itself."""

    def __init__(self) -> None:
        self.content: tuple[bytes, str] | None = None
        self.loses_an_answer = self.loses_a_read = False

    def read(self) -> tuple[bytes, str] | None:
        if self.loses_a_read:
            self.loses_a_read = False
            raise StoreError("no answer")
        return self.content

    def swap(self, data: bytes, *, expected: str | None) -> str:
        if (self.content[1] if self.content else None) != expected:
            raise WriteConflict("lock")
        self.content = data, f"{expected}+"
        if self.loses_an_answer:
            self.loses_an_answer = False
            raise WriteConflict("lock")
        return self.content[1]


@pytest.mark.parametrize("loses_a_read", [False, True])
def test_a_renewal_that_conflicts_with_itself_is_kept(loses_a_read):
    place, now = Place(), {"seconds": 0.0}
    lease = Lease(place, seconds=180, slowest_write=60, clock=lambda: now["seconds"])
    assert lease.take()
    place.loses_an_answer, place.loses_a_read = True, loses_a_read
    now["seconds"] = 100.0
    lease.renew()
    lease.renew()
    now["seconds"] = 200.0
    lease.confirm()


class OneAnswerLost:
    """obstore whose first write in the mode is carried out and answered with a conflict."""

    def __init__(self, number: int) -> None:
        self.left = number

    def __getattr__(self, name):
        real = getattr(obstore, name)

        def put(bucket, path, data, *, mode="overwrite"):
            result = real(bucket, path, data, mode=mode)
            self.left -= 1
            if self.left == 0:
                raise exceptions.AlreadyExistsError("sent again")
            return result

        return {"put": put}.get(name, real)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_store_is_not_refused_for_a_lost_answer_of_the_trial(bucket, monkeypatch, number):
    monkeypatch.setattr(serving.storage.objects, "obstore", OneAnswerLost(number))
    assert ObjectFiles(bucket).conditional(LOCK)


class LostAnswers:
    """obstore at a store that carries out a conditional write, and whose answer does not arrive."""

    def __init__(self, *, read_fails: bool = False) -> None:
        self.lost: list[str] = []
        self._read_fails = read_fails
        self._failing = False

    def __getattr__(self, name):
        real = getattr(obstore, name)

        def put(bucket, path, data, *, mode="overwrite"):
            result = real(bucket, path, data, mode=mode)
            if mode != "overwrite" and ".trial-" not in path:
                self.lost.append(path.rpartition("/")[2])
                self._failing = self._read_fails
                raise exceptions.GenericError("Generic S3 error: operation timed out")
            return result

        def get(*arguments):
            if self._failing:
                self._failing = False
                raise exceptions.GenericError("Generic S3 error: operation timed out")
            return real(*arguments)

        return {"put": put, "get": get}.get(name, real)


def test_push_goes_on_where_the_answers_of_its_writes_are_lost(bucket, make_model, monkeypatch):
    client = LostAnswers()
    monkeypatch.setattr(serving.storage.objects, "obstore", client)
    assert open_store(bucket).push(make_model("a"), Facts()).version == 1
    assert {"lock", "journal.jsonl", "saved_model.pb"} <= set(client.lost)
    assert open_store(bucket).push(make_model("a"), Facts()).outcome == "unchanged"


def test_holder_recognizes_its_renewal_whose_answer_was_lost(bucket, monkeypatch):
    files = ObjectFiles(bucket, pause=0.01)
    now = {"seconds": 0.0}
    lease = Lease(_LeaseObject(files, LOCK), seconds=180, slowest_write=60, clock=lambda: now["seconds"])
    assert lease.take()
    with monkeypatch.context() as patch:
        patch.setattr(serving.storage.objects, "obstore", LostAnswers(read_fails=True))
        now["seconds"] = 100.0
        lease.renew()
        now["seconds"] = 121.0
        with pytest.raises(StoreBusy):
            lease.confirm()  # what is not known to be renewed does not count
        lease.renew()
    now["seconds"] = 200.0
    lease.renew()
    lease.confirm()
    with lease.kept():
        assert not Lease(
            _LeaseObject(files, LOCK), seconds=180, slowest_write=60, clock=time.monotonic
        ).take()
    assert Lease(_LeaseObject(files, LOCK), seconds=180, slowest_write=60, clock=time.monotonic).take()


def test_holder_does_not_take_the_write_of_another_for_its_own(bucket, monkeypatch):
    files = ObjectFiles(bucket)
    lease = Lease(_LeaseObject(files, LOCK), seconds=180, slowest_write=60, clock=time.monotonic)
    assert lease.take()
    with monkeypatch.context() as patch:
        patch.setattr(serving.storage.objects, "obstore", LostAnswers(read_fails=True))
        lease.renew()
    files.replace(LOCK, b"another holder")
    lease.renew()
    with pytest.raises(StoreBusy, match="ran out"):
        lease.confirm()
