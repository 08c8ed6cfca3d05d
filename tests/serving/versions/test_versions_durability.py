"""After a power cut, too, a version is wholly there or not: all is synced before the rename that shows it."""

import os

from serving.storage.local import LocalFiles
from serving.store.manifest import Facts
from serving.versions import VersionStore


class Recorder:
    """The os module, keeping a list of what was created, synced and renamed."""

    def __init__(self) -> None:
        self.log: list[tuple[str, str]] = []
        self._paths: dict[int, str] = {}

    def open(self, path, flags, mode=0o777):
        handle = os.open(path, flags, mode)
        self._paths[handle] = os.path.abspath(path)
        return handle

    def write(self, handle, data):
        self.log.append(("write", self._paths[handle]))
        return os.write(handle, data)

    def fsync(self, handle):
        self.log.append(("sync", self._paths[handle]))

    def mkdir(self, path):
        os.mkdir(path)
        self.log.append(("mkdir", os.path.abspath(path)))

    def rename(self, source, target):
        os.rename(source, target)
        self.log.append(("rename", f"{source} -> {target}"))

    def __getattr__(self, name):
        return getattr(os, name)


def push_recorded(root, model):
    recorder = Recorder()
    VersionStore(root, files=LocalFiles(recorder)).push(model, Facts())
    return recorder.log


def test_every_file_and_folder_is_synced_before_the_rename_and_the_root_after(root, make_model):
    log = push_recorded(root, make_model("a"))
    commit = next(
        i for i, (what, path) in enumerate(log) if what == "rename" and path.endswith(f" -> {root}/1")
    )
    staged = log[commit][1].split(" -> ")[0]
    changed = {path for what, path in log[:commit] if what in ("write", "mkdir") and path.startswith(staged)}
    assert f"{staged}/saved_model.pb" in changed and f"{staged}/variables" in changed
    for path in changed:
        last_change = max(i for i, entry in enumerate(log) if entry[1] == path and entry[0] != "sync")
        assert ("sync", path) in log[last_change:commit], f"{path} is not synced before it is shown"
    assert ("sync", str(root)) in log[commit:]


def test_every_line_of_the_journal_is_synced(root, make_model):
    log = push_recorded(root, make_model("a"))
    journal = str(root / ".greenlight" / "journal.jsonl")
    lines = [what for what, path in log if path == journal]
    assert lines == ["write", "sync", "write", "sync"]


def test_each_new_folder_is_synced_into_the_one_above(root, make_model):
    log = push_recorded(root, make_model("a"))
    made = [(i, path) for i, (what, path) in enumerate(log) if what == "mkdir"]
    assert made
    assert all(("sync", os.path.dirname(path)) in log[i:] for i, path in made)
