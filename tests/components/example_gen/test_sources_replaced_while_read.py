"""A source that is replaced while it is read, and put back: the cache keeps nothing of the other one."""

import gzip
import itertools
import json
import os
from pathlib import Path

import pytest
import tensorflow as tf
from ml_metadata.proto import metadata_store_pb2

from components.errors import GreenlightError
from components.example_gen import executor
from components.example_gen.beam_steps import ReadPart
from components.example_gen.formats.rows import Columns
from components.example_gen.sources import packaged, prepared
from components.example_gen.sources.content import Content
from components.example_gen.sources.file_fingerprints import file_fingerprint
from components.example_gen.sources.files import FilePart
from components.example_gen.sources.packaged import PackagedPart
from components.reviews import to_example

Execution = metadata_store_pb2.Execution

FORMATS = ("reviews.csv", "reviews.tsv", "reviews.jsonl", "reviews.csv.gz", "reviews.tfrecord")


def write(path: Path, rows: list[tuple[str, int]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.name.endswith(".tfrecord"):
        with tf.io.TFRecordWriter(str(path)) as writer:
            for text, label in rows:
                writer.write(to_example(text, label).SerializeToString())
        return
    if ".jsonl" in path.name:
        lines = [json.dumps({"text": text, "label": label}) for text, label in rows]
    else:
        mark = "\t" if ".tsv" in path.name else ","
        lines = [mark.join(("text", "label")), *(f"{text}{mark}{label}" for text, label in rows)]
    content = ("\n".join(lines) + "\n").encode()
    path.write_bytes(gzip.compress(content) if path.name.endswith(".gz") else content)


OURS, THEIRS = [("fine", 1), ("dull", 0)], [("fine", 0), ("dull", 1)]


@pytest.fixture
def swapped(monkeypatch):
    """Has two folders exchanged from the first look of the reader to the end of reading."""

    def between(ours: Path, theirs: Path) -> None:
        aside = ours.with_name("aside")

        def exchange(*paths: Path) -> None:
            for source, target in itertools.pairwise(paths):
                os.rename(source, target)

        held_out, read_reading = ReadPart._held_out, executor._read_reading

        def replace(self, part):
            if not aside.exists():
                exchange(ours, aside)
                exchange(theirs, ours)
            return held_out(self, part)

        def put_back(path):
            exchange(ours, theirs)
            exchange(aside, ours)
            monkeypatch.undo()
            return read_reading(path)

        monkeypatch.setattr(ReadPart, "_held_out", replace)
        monkeypatch.setattr(executor, "_read_reading", put_back)

    return between


@pytest.mark.parametrize(
    "name", FORMATS[:1] + tuple(pytest.param(each, marks=pytest.mark.proof) for each in FORMATS[1:])
)
def test_a_file_of_other_reviews_is_not_kept_under_this_one(run, swapped, tmp_path, name):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    write(ours / name, OURS)
    write(theirs / name, THEIRS)
    swapped(ours, theirs)
    with pytest.raises(Exception, match=r"reviews\S* was written to while it was read"):
        run(ours / name)
    assert run(ours / name) == Execution.COMPLETE
    assert run(ours / name) == Execution.CACHED


def test_a_span_of_other_reviews_is_not_kept_under_this_one(run, swapped, tmp_path):
    write(tmp_path / "ours/span-1/a.csv", OURS)
    write(tmp_path / "theirs/span-1/a.csv", THEIRS)
    swapped(tmp_path / "ours", tmp_path / "theirs")
    with pytest.raises(Exception, match=r"was written to while it was read, so nothing .* Run again"):
        run(tmp_path / "ours/span-{SPAN}/*")
    assert run(tmp_path / "ours/span-{SPAN}/*") == Execution.COMPLETE


@pytest.mark.parametrize("name", FORMATS)
def test_the_hash_of_what_was_read_is_that_of_the_file(tmp_path, name):
    path = tmp_path / name
    write(path, OURS * 1000)
    part, content = FilePart(str(path), Columns("text", "label")), Content()
    rows = part.rows(content)
    next(rows)
    assert content.digest is None
    assert len(list(rows)) == 1999
    assert file_fingerprint(str(path)).split()[1] == content.digest


def test_bytes_behind_the_end_of_a_gzip_member_are_content_too(tmp_path):
    path = tmp_path / "reviews.csv.gz"
    write(path, OURS)
    with path.open("ab") as file:
        file.write(b"\0" * 10_000)
    content = Content()
    list(FilePart(str(path), Columns("text", "label")).rows(content))
    assert file_fingerprint(str(path)).split()[1] == content.digest


def test_a_file_that_is_written_to_in_place_while_a_library_reads_it_has_another_hash(tmp_path):
    path = tmp_path / "reviews.tfrecord"
    write(path, OURS)
    content, before = Content(), path.read_bytes()
    with content.pinning(str(path)) as place:
        path.write_bytes(before[::-1])
        assert Path(place).read_bytes() == before[::-1]
        path.write_bytes(before)
    assert content.digest == "written to while it was read"


def test_the_packaged_reviews_are_of_the_bytes_that_were_verified(monkeypatch, tmp_path):
    """The file is opened once: bytes that come later are not read."""
    real, opened, gone = packaged.csv_path(), [], tmp_path / "gone.csv"
    read_bytes = Path.read_bytes

    def once(path):
        if path != gone:  # a server of other tests reads its files meanwhile
            return read_bytes(path)
        opened.append(path)
        return read_bytes(real)

    monkeypatch.setattr(packaged, "csv_path", lambda: gone)
    monkeypatch.setattr(Path, "read_bytes", once)
    assert next(PackagedPart().rows()).label == 0
    assert opened == [gone]


class Builder:
    """What `prepared.state` asks of TensorFlow Datasets' builder."""

    def __init__(self, folder: Path):
        self.data_dir = str(folder)
        self.info = self
        files = {name: [folder / f"imdb-{name}"] for name in ("train", "test")}
        self.splits = {name: type("Split", (), {"filepaths": paths}) for name, paths in files.items()}


@pytest.mark.parametrize("moved", ["1.0.0/imdb-train", "1.0.0"])
def test_prepared_data_that_was_replaced_and_put_back_is_noticed(tmp_path, moved):
    folder = tmp_path / "imdb_reviews" / "plain_text" / "1.0.0"
    folder.mkdir(parents=True)
    for name in ("train", "test"):
        (folder / f"imdb-{name}").write_bytes(b"x")
    before = prepared.state(Builder(folder))
    assert prepared.state(Builder(folder)) == before
    place = folder.parent / moved
    for source, target in ((place, tmp_path / "aside"), (tmp_path / "aside", place)):
        os.rename(source, target)
    assert prepared.state(Builder(folder)) != before


def test_a_compiled_fingerprint_is_held_against_what_was_read(generate, write_csv):
    """Where no driver of ours runs, as on Kubeflow, the fingerprint may be older than the file."""
    from components.example_gen.settings import DataSettings

    source = write_csv("reviews.csv", OURS)
    with pytest.raises(GreenlightError, match="was written to while it was read") as caught:
        generate(DataSettings(source=f"files:{source}"), input_fingerprint="files:another")
    assert caught.value.exit_code == 1
