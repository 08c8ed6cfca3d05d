"""Files that are written completely or not at all."""

import os
from pathlib import Path

import pytest

from serving.storage.whole_file import write_whole


def test_it_makes_the_folder_and_replaces_an_older_file(tmp_path):
    path = tmp_path / "new" / "card.md"
    for text in ("first", "ü second"):
        write_whole(path, text)
        assert path.read_text(encoding="utf-8") == text
    assert os.listdir(path.parent) == ["card.md"]


@pytest.mark.parametrize("step", ["write_text", "replace"])
def test_a_file_that_cannot_be_written_leaves_the_older_one_and_nothing_beside_it(
    tmp_path, monkeypatch, step
):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    path = tmp_path / "card.md"
    path.write_text("older")
    monkeypatch.setattr(Path, step, full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, "newer")
    monkeypatch.undo()
    assert path.read_text() == "older" and os.listdir(tmp_path) == ["card.md"]
