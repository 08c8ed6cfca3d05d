"""Files that are written completely or not at all."""

import os
from pathlib import Path

import pytest

from serving.storage.whole_file import write_whole


def test_an_older_file_is_replaced(tmp_path):
    path = tmp_path / "card.md"
    for text in ("first", "ü second"):
        write_whole(path, text)
        assert path.read_text(encoding="utf-8") == text
    assert os.listdir(tmp_path) == ["card.md"]


@pytest.mark.parametrize(("name", "kind"), [("no/card.md", FileNotFoundError), ("a\0.md", ValueError)])
def test_a_folder_that_is_not_there_is_not_made(tmp_path, name, kind):
    with pytest.raises(kind):
        write_whole(tmp_path / name, "text")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("step", ["write_text", "replace"])
def test_a_file_that_cannot_be_written_leaves_the_older_one_and_nothing_beside_it(
    tmp_path, monkeypatch, step
):
    real = getattr(Path, step)

    def full(path, *given, **named):
        if path.parent != tmp_path:
            return real(path, *given, **named)
        raise OSError(28, "No space left on device")

    path = tmp_path / "card.md"
    path.write_text("older")
    monkeypatch.setattr(Path, step, full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, "newer")
    monkeypatch.undo()
    assert path.read_text() == "older" and os.listdir(tmp_path) == ["card.md"]
