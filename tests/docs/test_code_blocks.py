"""The code blocks of README, CONTRIBUTING and docs/: they parse, and the settings in them are accepted."""

import ast
import importlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from pipeline import config

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
NOT_READ_HERE = {"", "sql", "dockerfile"}
"""What pages show of other programs, and output."""


class Block(NamedTuple):
    page: str
    line: int
    language: str
    text: str


def blocks() -> list[Block]:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            line = text[: match.start()].count("\n") + 1
            found.append(Block(page.name, line, match[1], match[2]))
    return found


BLOCKS = blocks()


def of(*languages: str) -> pytest.MarkDecorator:
    """Runs a test for each block in one of these languages."""
    chosen = [block for block in BLOCKS if block.language in languages]
    return pytest.mark.parametrize("block", chosen, ids=[f"{block.page}-{block.line}" for block in chosen])


def test_every_language_is_known():
    known = {"console", "sh", "python", "toml", "json", "yaml"}
    assert {block.language for block in BLOCKS} == known | NOT_READ_HERE


@of("python")
def test_python_names_only_what_is_there(block):
    linter = [sys.executable, "-m", "ruff", "check", "--isolated", "--select=F", "--ignore=F401", "-"]
    checked = subprocess.run(linter, input=block.text, text=True, capture_output=True)
    assert checked.returncode == 0, checked.stdout
    for node in ast.walk(ast.parse(block.text)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                importlib.import_module(alias.name)
        elif isinstance(node, ast.ImportFrom):
            module = importlib.import_module(node.module or "")
            assert not [alias.name for alias in node.names if not hasattr(module, alias.name)]


@of("toml")
def test_settings_are_accepted(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "settings.toml"
    file.write_text(block.text, encoding="utf-8")
    assert config.load(file=[file])


@of("json")
def test_json_parses(block):
    json.loads(block.text)


@of("yaml")
def test_yaml_parses(block):
    assert list(yaml.safe_load_all(block.text))


@of("sh", "console")
def test_the_shell_reads_the_commands(block):
    """Of a console block, the lines after `$`, with their continuations."""
    commands = block.text
    if re.search(r"^\$ ", commands, re.MULTILINE):
        commands = "\n".join(re.findall(r"^\$ ((?:.*\\\n)*.*)$", commands, re.MULTILINE))
    read = subprocess.run(["bash", "-n"], input=commands, text=True, capture_output=True)
    assert read.returncode == 0, read.stderr
