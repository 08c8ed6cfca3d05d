"""What the README and docs/ say is so: commands, options, settings, links."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from pipeline import config
from pipeline.cli import COMMANDS, cli

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
NOT_PASSED_ON = {"{", "|", ">"}


def command_lines() -> Iterator[tuple[str, list[str]]]:
    """Every `$ greenlight ...` line of a console block, as (page, arguments)."""
    for page in PAGES:
        for block in re.findall(r"```console\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            for line in re.findall(r"^\$ (?:\.venv/bin/)?greenlight (.*)$", block, re.MULTILINE):
                arguments = shlex.split(line, comments=True)
                yield (
                    page.name,
                    arguments[: next((i for i, a in enumerate(arguments) if a in NOT_PASSED_ON), None)],
                )


LINES = list(command_lines())


def find_command(arguments: list[str]) -> tuple[click.Command, list[str], click.Context]:
    context = click.Context(cli, info_name="greenlight")
    command: click.Command = cli
    while isinstance(command, click.Group):
        name, *arguments = arguments
        found = command.get_command(context, name)
        assert found is not None, f"there is no command {name}"
        command, context = found, click.Context(found, info_name=name, parent=context)
    return command, arguments, context


def test_there_are_commands_to_check():
    assert len(LINES) > 10


@pytest.mark.parametrize(("page", "arguments"), LINES, ids=[f"{page}: {' '.join(a)}" for page, a in LINES])
def test_a_documented_command_line_is_accepted(page, arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("greenlight.toml").touch()
    command, rest, context = find_command(arguments)
    parser_arguments = [a for a in rest if a not in ("--help", "-h")]
    command.parse_args(context, parser_arguments)


def test_the_table_of_commands_is_the_command_lines_own():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for section in COMMANDS.values():
        for name, entry in section.items():
            assert f"| `{name}` | {entry.help} |" in readme, f"README's table of commands lacks {name}"


def test_every_setting_that_a_page_names_exists():
    keys = set(
        re.findall(r"\b((?:data|check|embedding|trainer|gate|infra|push|beam)\.[a-z_]+)\b", all_text())
    )
    for key in keys - {"data.md", "gate.md"}:
        section, name = key.split(".")
        fields = type(getattr(config.Settings(), section)).model_fields
        assert name in fields, f"a page names the setting {key}, which does not exist"


def test_every_link_inside_the_project_leads_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def all_text() -> str:
    return "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
