"""A full disk, in truth: a small tmpfs under the workspace, which takes root to mount."""

import os
import subprocess
from pathlib import Path

import pytest

from components.errors import MachineFault
from pipeline.cli import cli


@pytest.fixture
def mount(tmp_path):
    """Mounts a tmpfs with the given options; skips where this user may not."""
    mounted = []

    def tmpfs(options: str) -> Path:
        folder = tmp_path / f"disk-{len(mounted)}"
        folder.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True
        )
        if done.returncode:
            pytest.skip(f"a tmpfs cannot be mounted here: {done.stderr.strip()}")
        mounted.append(folder)
        return folder

    yield tmpfs
    for folder in mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)  # the lineage store is still open


@pytest.mark.proof
def test_a_disk_without_room_for_the_model(run, mount):
    disk = mount("size=3m")
    result = run("embedding.vocabulary_size=50000", "trainer.epochs=1", workspace=disk / "workspace")
    assert (result.verdict, result.exit_code, result.machine_fault) == ("failed", 1, True)
    assert result.error.startswith(f"{disk}/workspace (")
    assert result.error.endswith("The disk is full. Free space there, or choose a folder on another disk.")
    assert not [path for path in disk.rglob("*") if path.suffix in (".draft", ".new")]
    assert not list(disk.rglob("saved_model.pb"))


@pytest.mark.proof
@pytest.mark.parametrize("options", ["size=300k", "size=20m,nr_inodes=12"])
def test_a_disk_that_the_lineage_store_fills(run, mount, options):
    disk = mount(options)
    try:
        result = run(workspace=disk / "workspace")
    except MachineFault as error:  # not even its result could be kept
        said = str(error)
    else:
        assert (result.exit_code, result.machine_fault) == (1, True)
        said = result.error
    assert "The disk is full" in said or "The disk has no inodes left" in said
    assert "\n" not in said and "Traceback" not in said


@pytest.mark.parametrize(
    ("options", "said"), [("size=20m,nr_inodes=2", "no inodes"), ("size=20m,ro", "mounted read-only")]
)
def test_a_disk_on_which_nothing_can_begin(run, mount, options, said):
    with pytest.raises(MachineFault, match=said):
        run(workspace=mount(options) / "workspace")


def test_a_file_of_reviews_that_a_full_disk_cannot_take(mount, tmp_path, capsys):
    reviews = tmp_path / "reviews.csv"
    reviews.write_text("text,label\n" + "".join(f"film {n} {'x' * 90},{n % 2}\n" for n in range(2000)))
    disk = mount("size=40k")
    with pytest.raises(SystemExit) as ended:
        cli.main(["data", "add", str(reviews), "--to", str(disk / "spans")])
    assert ended.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"Error: Nothing can be landed in {disk}/spans: The disk is full")
    assert os.listdir(disk / "spans") == [".landing.lock"]
