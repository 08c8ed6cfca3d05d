"""Pushes to buckets from several processes, processes that are killed, and damaged objects."""

import json
import signal

import obstore
import pytest

from serving.store.manifest import Facts
from serving.versions import VersionStore

pytestmark = [pytest.mark.proof, pytest.mark.stores, pytest.mark.timeout(1200)]


def test_of_two_writers_of_one_model_one_pushes_it_each_time(race):
    for turn in range(5):
        said = race(f"same-{turn}", ["a", "a"])
        assert sorted(str(one.get("outcome", one)) for one in said) == ["pushed", "unchanged"]
        assert {one["version"] for one in said} == {1}


def test_writers_of_different_models_get_each_a_number(race, bucket):
    numbers = [
        one["version"] for turn in range(3) for one in race("different", [f"{turn}a", f"{turn}b", f"{turn}c"])
    ]
    assert sorted(numbers) == list(range(1, 10))
    store = VersionStore(bucket.address("different"))
    assert [store.verify(number) for number in store.published()] == [[]] * 9


@pytest.mark.parametrize("step", range(1, 12))
def test_writer_killed_at_a_change_leaves_the_old_version_live(bucket, step):
    """The process kills itself before its `step`-th change of a push, as kill -9 would."""
    root = bucket.address(f"killed-{step}")
    assert bucket.run(root, "push", "a") == [{"outcome": "pushed", "version": 1}]
    writer = bucket.start(root, "push", "b", KILL_AT=str(step))
    writer.communicate(timeout=280)
    assert writer.returncode == -signal.SIGKILL
    store = VersionStore(root, wait_seconds=0)
    assert (store.published(), store.verify(1)) == ([1], [])
    for name in bucket.names(f"killed-{step}"):  # what its leases do by themselves, 3 minutes later
        if name.rpartition("/")[2] in ("lock", "writer.lock"):
            obstore.delete(bucket.client, name)
    (result,) = bucket.run(root, "push", "b")
    assert result["outcome"] == "pushed"
    assert store.published() == [result["version"], 1]
    assert not [name for name in bucket.names(f"killed-{step}") if "/staging/" in name]
    assert "incomplete" not in {version.state for version in store.versions()}


def test_writer_that_waits_for_another_names_it(bucket):
    root = bucket.address("held")
    holder = bucket.start(root, "hold")
    try:
        assert json.loads(holder.stdout.readline()) == {"holds": True}
        (said,) = bucket.run(root, "push", "a", WAIT_SECONDS="0")
        assert said["error"] == "StoreBusy"
        assert f"is held by process {holder.pid} on " in said["message"]
    finally:
        holder.kill()
        holder.communicate()


def test_damaged_and_deleted_objects_are_named_and_not_rolled_back_to(bucket, tmp_path):
    root = bucket.address("damaged")
    assert [one["version"] for one in bucket.run(root, "push", "a", "b", "c")] == [1, 2, 3]
    obstore.put(bucket.client, "damaged/2/variables/variables.index", b"index of x")
    obstore.delete(bucket.client, "damaged/1/variables/variables.index")
    store = VersionStore(root)
    assert [str(one) for one in store.verify(2)] == [
        "version 2: variables/variables.index was changed: its sha256 is not the manifest's"
    ]
    assert [str(one) for one in store.verify(1)] == ["version 1: variables/variables.index is missing"]
    with pytest.raises(Exception, match="there is no good version below 3 to roll back to"):
        store.rollback()
    with store.fetched(2) as (_, problems):
        assert [problem.file for problem in problems] == ["variables/variables.index"]
    assert store.prune(1) == [1, 2]
    assert store.published() == [3]
    assert not [name for name in bucket.names("damaged") if name.startswith(("damaged/1/", "damaged/2/"))]
    assert store.push(tmp_path / "model-a", Facts()).version == 4


def test_store_without_conditional_writes_needs_the_word_of_its_user(without_conditions):
    root = without_conditions.address("plain")
    (said,) = without_conditions.run(root, "push", "a")
    assert said["error"] == "StoreInputError"
    assert "does not obey conditional writes (If-None-Match, If-Match)" in said["message"]
    assert without_conditions.names("plain") == []
    said = without_conditions.run(root, "push", "a", "b", SINGLE_WRITER="1")
    assert said == [{"outcome": "pushed", "version": 1}, {"outcome": "pushed", "version": 2}]


def test_limit_of_writes_of_one_object_delays_a_push_and_does_not_end_it(limited):
    said = limited.run(limited.address("limited"), "push", "a", "b")
    assert said == [{"outcome": "pushed", "version": 1}, {"outcome": "pushed", "version": 2}]


NOWHERE = "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("server", "root", "variables", "error", "message"),
    [
        ("s3", "s3://absent/a", {}, "StoreInputError", "the bucket s3://absent does not exist. Create it"),
        ("gs", "gs://absent/a", {}, "StoreInputError", "the bucket gs://absent does not exist. Create it"),
        (
            "s3",
            "s3://models/a",
            {"AWS_SECRET_ACCESS_KEY": ""},
            "StoreInputError",
            "no credentials for s3://models/a",
        ),
        (
            "gs",
            "gs://models/a",
            {"STORAGE_EMULATOR_HOST": "", "GOOGLE_APPLICATION_CREDENTIALS": "/absent/key.json"},
            "StoreInputError",
            "no credentials for gs://models/a were found. Set GOOGLE_APPLICATION_CREDENTIALS to a key file",
        ),
        (
            "s3",
            "s3://models/a",
            {"AWS_ENDPOINT_URL": NOWHERE},
            "StoreError",
            "does not answer, or not in time. Check the network and AWS_ENDPOINT_URL",
        ),
        (
            "gs",
            "gs://models/a",
            {"STORAGE_EMULATOR_HOST": NOWHERE},
            "StoreError",
            "does not answer, or not in time. Check the network and STORAGE_EMULATOR_HOST",
        ),
    ],
    indirect=["server"],
)
def test_bucket_that_cannot_be_used_is_one_message(bucket, root, variables, error, message):
    (said,) = bucket.run(root, "push", "a", **variables)
    assert said["error"] == error
    assert message in said["message"]
