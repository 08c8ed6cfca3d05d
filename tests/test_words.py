"""The words of the general path: example, text, label; "review" only where the data is IMDB."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from pipeline.cli import cli
from pipeline.config import Settings
from pipeline.console.plain import STAGES
from pipeline.settings.help import settings_of

ROOT = Path(__file__).parents[1]
WORD = re.compile(r"(?<![\w./`'-])(?:movie |film )?reviews?(?![\w/`.])(?!-)", re.IGNORECASE)
"""Not a part of a path, of an identifier, or of a name in backticks."""
OF_IMDB = re.compile(r"(?:packaged|IMDB|imdb_|English|English film) reviews?", re.IGNORECASE)
"""Phrases that name the IMDB data."""
ATTRIBUTE = re.compile(r"^ +reviews(?:, \w+)*: ", re.MULTILINE)
"""Docstrings of attributes that are keys of JSON, which keep their names."""
IMDB_MODULES = {
    "components/example_gen/sources/packaged.py": "the packaged IMDB reviews",
    "components/example_gen/sources/prepared.py": "TensorFlow Datasets' IMDB reviews",
}
"""Modules about IMDB alone, and why."""
IMDB_TEXTS = {
    "README.md": "the figures of IMDB",
    "docs/data.md": "the label check, measured on IMDB",
    "docs/decisions.md": "the review of a change",
    "docs/drift.md": "the false alarms, measured on IMDB",
    "docs/model.md": "the ablation, measured on IMDB",
    "docs/retraining.md": "the simulation, made of IMDB reviews",
    "docs/speed.md": "the benchmarks, on IMDB",
    "docs/kubeflow.md": "the proof on 600 IMDB reviews",
    "pipeline/report/templates/model_card.md": "the limits of the IMDB data, shown for it alone",
    "examples/cnn/README.md": "an example on IMDB",
    "pipeline/report/templates/report_parts.html": "the names of canaries in runs of former versions",
}
"""Pages with a part that has the word, and what it is."""


def found_in(text: str) -> list[str]:
    return WORD.findall(ATTRIBUTE.sub("", OF_IMDB.sub("", text)))


def python_files() -> Iterator[Path]:
    for folder in ("components", "pipeline", "serving", "greenlight"):
        yield from (ROOT / folder).rglob("*.py")


def other_files() -> Iterator[Path]:
    for folder in ("pipeline", "serving"):
        for pattern in ("*.html", "*.md", "*.js", "*.jinja", "*.css"):
            yield from (ROOT / folder).rglob(pattern)
    yield from [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").glob("*/README.md")]


def commands(group: click.Group, context: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        below = click.Context(command, info_name=name, parent=context)
        yield command, below
        if isinstance(command, click.Group):
            yield from commands(command, below)


@pytest.mark.parametrize("path", python_files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_string_of_a_module_says_review(path):
    if path.relative_to(ROOT).as_posix() in IMDB_MODULES:
        return
    strings = (
        node.value
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    assert [text for text in strings if " " in text and found_in(text)] == []


@pytest.mark.parametrize("path", other_files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_page_says_review(path):
    if path.relative_to(ROOT).as_posix() in IMDB_TEXTS:
        return
    assert [line for line in path.read_text(encoding="utf-8").splitlines() if found_in(line)] == []


def test_every_exception_is_needed():
    for name in [*IMDB_MODULES, *IMDB_TEXTS]:
        assert found_in((ROOT / name).read_text(encoding="utf-8")), name


@pytest.mark.parametrize("setting", settings_of(Settings).values(), ids=lambda setting: setting.key)
def test_no_setting_says_review(setting):
    assert found_in(setting.description) == []
    assert "review" not in setting.key


def test_no_help_says_review():
    context = click.Context(cli, info_name="greenlight", **cli.context_settings)
    found = list(commands(cli, context))
    assert len(found) > 20
    for command, below in found:
        assert found_in(command.get_help(below)) == [], below.command_path


def test_no_stage_says_review():
    assert [text for text in STAGES.values() if found_in(text)] == []
