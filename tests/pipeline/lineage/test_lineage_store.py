"""A lineage store that cannot be used is told in a sentence with a remedy, by SQLite's own codes."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd

from components.errors import GreenlightError, MachineFault
from pipeline.lineage import store
from pipeline.lineage.span_usage import runs_by_span
from pipeline.lineage.store import SqliteLineage
from serving.machine import disk

HOLDER = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def lineage(tmp_path) -> SqliteLineage:
    found = SqliteLineage(tmp_path / "metadata.sqlite")
    assert found.fault() is None  # there is none yet
    found_store = found.connection_config()
    from ml_metadata import MetadataStore

    MetadataStore(found_store)
    return found


@pytest.fixture
def held(lineage, monkeypatch):
    """Another process holds the store."""
    monkeypatch.setattr(store, "_WAIT_SECONDS", 0.1)
    command = [sys.executable, "-c", HOLDER, str(lineage.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        yield
        holder.stdin.close()


def test_a_sound_store_can_be_used(lineage):
    lineage.prepare()
    assert lineage.open().get_artifacts() == []


@pytest.mark.parametrize(
    "use",
    [SqliteLineage.prepare, pytest.param(SqliteLineage.open, marks=pytest.mark.proof)],  # it waits long
)
def test_one_that_another_process_holds(lineage, held, use):
    said = rf"The lineage store {lineage.path} is locked by another process.*Close it .*run again\.$"
    with pytest.raises(MachineFault, match=said):
        use(lineage)


@pytest.mark.parametrize("use", [SqliteLineage.prepare, SqliteLineage.open])
@pytest.mark.parametrize("size", [5000, 4096, 100])
def test_one_that_was_cut_off(lineage, use, size):
    os.truncate(lineage.path, size)
    with pytest.raises(
        GreenlightError, match=r"is damaged.*Bring it back from a backup, or move it away"
    ) as raised:
        use(lineage)
    assert raised.value.exit_code == 1


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda path: os.symlink("/nowhere/at/all", path)])
@pytest.mark.parametrize("use", [SqliteLineage.prepare, SqliteLineage.open])
def test_what_is_not_a_file_is_said_before_anything_opens_it(tmp_path, make, use):
    lineage = SqliteLineage(tmp_path / "metadata.sqlite")
    make(lineage.path)
    with pytest.raises(GreenlightError, match=r"is not a file.*Move it away") as raised:
        use(lineage)
    assert raised.value.exit_code == 1


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE MLMDEnv SET schema_version = 99",
        "DROP TABLE Event",
        "DROP TABLE Artifact; CREATE TABLE Artifact (other)",
    ],
)
def test_one_that_ml_metadata_does_not_take_is_said_in_a_sentence(lineage, change):
    with closing(sqlite3.connect(lineage.path)) as database:
        database.executescript(change)
    with pytest.raises(GreenlightError) as raised:
        store_of = lineage.open()
        store_of.get_artifacts()
    said = str(raised.value)
    assert said.startswith(f"The lineage store {lineage.path} does not fit ML Metadata ")
    assert said.endswith("move it away: the next run starts a new one, and what is served stays.")
    assert len(said.splitlines()) == 1 and raised.value.exit_code == 1


def test_one_that_is_something_else(lineage):
    lineage.path.write_bytes(b"\xff" * 5000)
    with pytest.raises(GreenlightError, match="is damaged"):
        lineage.prepare()


def test_a_full_disk_under_it(lineage, monkeypatch):
    monkeypatch.setattr(disk, "fault_of", lambda folder, **_: "The disk is full.")
    with pytest.raises(MachineFault, match=r"metadata\.sqlite cannot be written: The disk is full\.$"):
        lineage.prepare()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (sqlite3.SQLITE_FULL, "cannot be used: The disk is full"),
        (sqlite3.SQLITE_READONLY_DBMOVED, "cannot be used: This user may not read or write there"),
        (sqlite3.SQLITE_CANTOPEN, "cannot be used: SQLite cannot make its files beside it"),
        (sqlite3.SQLITE_IOERR_FSYNC, "cannot be used: The disk or the network below it failed"),
        (sqlite3.SQLITE_PROTOCOL, "cannot be used: whatever it says"),
    ],
)
def test_what_sqlite_cannot_do_is_told_by_its_code(lineage, monkeypatch, code, said):
    error = sqlite3.OperationalError("whatever it says")
    error.sqlite_errorcode = code

    def fail(self) -> None:
        raise error

    monkeypatch.setattr(SqliteLineage, "_connect", fail)
    assert said in str(lineage.fault())


def test_a_look_changes_nothing(lineage):
    before = Path(lineage.path).read_bytes()
    lineage.prepare()
    assert Path(lineage.path).read_bytes() == before


def damage_the_pages_with(path: Path, word: bytes) -> None:
    """The schema and the number of pages stay right, so that the file opens."""
    content = bytearray(path.read_bytes())
    for page in range(0, len(content), 4096):
        if word in content[page : page + 4096]:
            content[page : page + 200] = bytes([255]) * 200
    path.write_bytes(content)


def test_damage_that_only_a_query_finds_is_one_message(lineage, caplog, capfd):
    opened = lineage.open()
    kind = opened.put_artifact_type(mlmd.ArtifactType(name="Examples"))
    opened.put_artifacts([mlmd.Artifact(type_id=kind, uri="a-place") for _ in range(300)])
    del opened
    damage_the_pages_with(lineage.path, b"a-place")
    lineage.prepare()  # a look at the schema does not find it
    with pytest.raises(GreenlightError, match=r"metadata\.sqlite is damaged: .*move it away") as raised:
        runs_by_span(lineage)
    assert (type(raised.value), raised.value.exit_code) == (GreenlightError, 1)
    assert str(lineage.fault(thorough=True)) == str(raised.value)
    assert "SELECT" not in caplog.text + "".join(capfd.readouterr())
