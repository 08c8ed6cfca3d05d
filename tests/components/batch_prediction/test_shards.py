"""Which shards of an earlier attempt count as finished."""

import json
from pathlib import Path

import pytest

from components.batch_prediction.shards import (
    Place,
    Shard,
    ShardFolder,
    finished_rows,
    job_digest,
    read_shard_list,
    rows_digest,
    write_shard_list,
)
from components.batch_prediction.unlabeled import Unlabeled

PLACE = Place(2, 3)
ROWS = [Unlabeled(1, "fine", {"text": "fine", "id": "1"}), Unlabeled(2, "dull", {"text": "dull", "id": "2"})]
DIGEST = rows_digest("a.csv", ROWS)


@pytest.fixture
def folder(tmp_path) -> ShardFolder:
    return ShardFolder(str(tmp_path), "job")


def fill(path: str) -> None:
    Path(path).write_bytes(b"predictions")


@pytest.fixture
def shard(folder) -> Shard:
    return folder.write(PLACE, rows=DIGEST, count=2, suffix=".csv", fill=fill)


def test_a_finished_shard_is_found_wherever_its_rows_are_now(folder, shard):
    assert (shard.place, shard.rows, shard.taken_over) == (PLACE, 2, False)
    found = folder.find(Place(0, 0), rows=DIGEST)
    assert found == Shard(place=Place(0, 0), file=shard.file, rows=2, taken_over=True)
    assert Path(folder.path, found.file).read_bytes() == b"predictions"
    assert finished_rows(Path(folder.path)) == 2


@pytest.mark.parametrize(
    "other",
    [
        rows_digest("b.csv", ROWS),
        rows_digest("a.csv", ROWS[:1]),
        rows_digest("a.csv", [ROWS[0], ROWS[1]._replace(line=3)]),
        rows_digest("a.csv", [ROWS[0], ROWS[1]._replace(fields={"text": "dull", "id": "3"})]),
    ],
)
def test_other_rows_have_no_shard(folder, shard, other):
    assert folder.find(PLACE, rows=other) is None


def test_a_shard_of_another_job_does_not_count(folder, shard):
    assert ShardFolder(folder.path, "another").find(PLACE, rows=DIGEST) is None
    assert job_digest(model="a", version=1) != job_digest(model="b", version=1)


def test_a_shard_with_the_name_but_without_its_content_does_not_count(folder, shard):
    path = Path(folder.path, shard.file)
    for content in (b"predict", b"Predictions", b""):
        path.write_bytes(content)
        assert folder.find(PLACE, rows=DIGEST) is None
    path.unlink()
    assert folder.find(PLACE, rows=DIGEST) is None


@pytest.mark.parametrize("damaged", [b"", b"{", b"[]", b"{}", b'{"job": "job"}', b"\xff"])
def test_a_shard_without_a_whole_manifest_does_not_count(folder, shard, damaged):
    (manifest,) = Path(folder.path).glob("*.json")
    manifest.write_bytes(damaged)
    assert folder.find(PLACE, rows=DIGEST) is None
    assert finished_rows(Path(folder.path)) == 0


def test_a_manifest_under_another_name_does_not_count(folder, shard):
    (manifest,) = Path(folder.path).glob("*.json")
    other = rows_digest("b.csv", ROWS)
    manifest.rename(manifest.with_name(f"{other[:32]}.json"))
    assert json.loads(next(Path(folder.path).glob("*.json")).read_text())["input"] == DIGEST
    assert folder.find(PLACE, rows=other) is None


def test_a_shard_that_was_not_finished_leaves_nothing(folder):
    def fail(path: str) -> None:
        Path(path).write_bytes(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        folder.write(PLACE, rows=DIGEST, count=2, suffix=".csv", fill=fail)
    assert list(Path(folder.path).iterdir()) == []


def test_the_list_is_in_the_order_of_the_output(tmp_path):
    shards = [
        Shard(place=Place(1, 0), file="c", rows=1),
        Shard(place=Place(0, 10), file="b", rows=2, taken_over=True),
        Shard(place=Place(0, 2), file="a", rows=3),
    ]
    write_shard_list(tmp_path / "list", shards)
    assert read_shard_list(tmp_path / "list") == [shards[2], shards[1], shards[0]]
