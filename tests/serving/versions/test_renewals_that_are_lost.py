"""Writes of the lease and of the trial of conditions whose answers are lost, and are sent again."""

import obstore
import pytest
from obstore import exceptions
from obstore.store import MemoryStore

import serving.storage.objects
from serving.errors import StoreError
from serving.storage.bucket_errors import WriteConflict
from serving.storage.lease import Lease
from serving.storage.objects import ObjectFiles


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
def test_a_store_is_not_refused_for_a_lost_answer_of_the_trial(monkeypatch, number):
    monkeypatch.setattr(serving.storage.objects, "obstore", OneAnswerLost(number))
    assert ObjectFiles(MemoryStore()).conditional("s3://models/serving/imdb/.greenlight/lock")
