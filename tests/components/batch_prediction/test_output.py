import gzip
from pathlib import Path

import pytest

from components.batch_prediction.formats import OutputFormat, output_format
from components.batch_prediction.output import Output
from components.batch_prediction.shards import Place, ShardFolder
from components.errors import DataStopped, InputError


def output(path, **more) -> Output:
    known, gzipped = (OutputFormat.CSV, False) if more.get("folder") else output_format(str(path))
    return Output(path=path, known=known, gzipped=gzipped, **more)


def write(target: Output, *shards: bytes, header: bytes = b"") -> None:
    target.require_free()
    with target.written("job") as folder:
        files = [folder / f"{number:05}" for number in range(len(shards))]
        for file, content in zip(files, shards, strict=True):
            file.write_bytes(header + content)
        target.finish(files, header=header)


def finish_a_shard(folder) -> None:
    def fill(path: str) -> None:
        Path(path).write_bytes(b"done")

    place = Place(0, 0)
    ShardFolder(str(folder), folder.name).write(place, rows="digest", count=7, suffix=".csv", fill=fill)


def test_shards_become_one_file_with_one_header(tmp_path):
    write(output(tmp_path / "out.csv"), b"1\n", b"2\n", b"3\n", header=b"n\n")
    assert (tmp_path / "out.csv").read_bytes() == b"n\n1\n2\n3\n"
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


def test_a_gzipped_file_holds_all_shards(tmp_path):
    write(output(tmp_path / "out.jsonl.gz"), b"1\n", b"2\n")
    assert gzip.decompress((tmp_path / "out.jsonl.gz").read_bytes()) == b"1\n2\n"


def test_what_is_there_stays_unless_it_may_be_replaced(tmp_path):
    path = tmp_path / "out.jsonl"
    path.write_text("mine")
    with pytest.raises(InputError, match=r"out\.jsonl already exists\. Name another, or give --overwrite"):
        write(output(path), b"new")
    assert path.read_text() == "mine"
    write(output(path, overwrite=True), b"new")
    assert path.read_text() == "new"

    folder = tmp_path / "out"
    folder.mkdir()
    write(output(folder, folder=True), b"into the empty folder")
    with pytest.raises(InputError, match="already exists"):
        write(output(folder, folder=True), b"new")
    write(output(folder, folder=True, overwrite=True), b"new")
    assert [file.read_bytes() for file in folder.iterdir()] == [b"new"]


def test_a_place_that_cannot_be_written_to_is_refused(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="nowhere is not a folder; create it first"):
        output(tmp_path / "nowhere" / "out.csv").require_free()
    with pytest.raises(InputError, match="is a folder; end it with / to write into it"):
        output(tmp_path / "folder.csv", overwrite=True).require_free()
    with pytest.raises(InputError, match="is a file"):
        output(tmp_path / "file", folder=True, overwrite=True).require_free()


def test_a_job_that_fails_leaves_nothing_and_replaces_nothing(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("before")
    target = output(path, overwrite=True)
    with pytest.raises(ZeroDivisionError), target.written("job") as folder:
        (folder / "0").write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_without_a_format_is_refused():
    with pytest.raises(InputError, match=r"out\.parquet: cannot tell the format from the name"):
        output_format("out.parquet")


@pytest.mark.parametrize("error", [ZeroDivisionError, InputError, KeyboardInterrupt])
def test_finished_shards_stay_for_the_same_job_and_go_before_another(tmp_path, error):
    target = output(tmp_path / "out.csv")
    with pytest.raises(error), target.written("job") as folder:
        finish_a_shard(folder)
        raise error
    assert target.unfinished_rows() == 7
    with pytest.raises(error), target.written("job") as folder:
        assert len(list(folder.iterdir())) == 2
        raise error
    with target.written("another") as folder:
        assert list(folder.iterdir()) == []
        assert target.unfinished_rows() == 0
    assert list(tmp_path.iterdir()) == []


def test_nothing_stays_of_an_input_that_is_refused_as_a_whole(tmp_path):
    with pytest.raises(DataStopped), output(tmp_path / "out.csv").written("job") as folder:
        finish_a_shard(folder)
        raise DataStopped("too many bad rows")
    assert list(tmp_path.iterdir()) == []


def test_two_at_once_do_not_write_the_same_output(tmp_path):
    target = output(tmp_path / "out.csv")
    with (
        target.written("job"),
        pytest.raises(InputError, match=r"out\.csv: another batch-predict writes it now"),
        output(tmp_path / "out.csv").written("job"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []
