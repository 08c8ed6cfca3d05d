"""What the README and docs/ say is so: commands, options, settings, links."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from pydantic import BaseModel

from pipeline import config
from pipeline.cli import COMMANDS, cli

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
NOT_PASSED_ON = {"{", "|", ">"}
WRITTEN_LATER = {"docs/figures.json"}
"""Files that a command writes, here `make figures`."""


def command_lines() -> Iterator[tuple[str, list[str]]]:
    """Every `greenlight ...` line of a console or sh block, after a `$` or not, as (page, arguments)."""
    for page in PAGES:
        for block in re.findall(r"```(?:console|sh)\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            whole_lines = re.sub(r"\\\n\s*", "", block)
            for line in re.findall(r"^(?:\$ )?(?:\.venv/bin/)?greenlight (.*)$", whole_lines, re.MULTILINE):
                arguments = shlex.split(line, comments=True)
                yield (
                    page.name,
                    arguments[: next((i for i, a in enumerate(arguments) if a in NOT_PASSED_ON), None)],
                )


LINES = list(command_lines())


NAMES = [f"{page}: {' '.join(arguments)}" for page, arguments in LINES]


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


@pytest.fixture
def parsed(tmp_path, monkeypatch):
    """The options that click makes of a line, where the files that lines name are there and empty."""
    monkeypatch.chdir(tmp_path)
    for name in ("greenlight.toml", "workspace/tuning/tuned.toml"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()

    def parse(arguments: list[str]) -> dict[str, object]:
        command, rest, context = find_command(arguments)
        command.parse_args(context, [a for a in rest if a not in ("--help", "-h")])
        return context.params

    return parse


@pytest.mark.parametrize(("page", "arguments"), LINES, ids=NAMES)
def test_a_documented_command_line_is_accepted_and_so_are_its_settings(page, arguments, parsed):
    options = parsed(arguments)
    names = ("preset", "workspace", "source", "embedding", "assignments")
    given = {name: options[name] for name in names if options.get(name)}
    config.load(file=[Path(file) for file in options.get("files", ())], **given)


def test_the_lines_of_all_kinds_of_blocks_are_checked():
    assert [arguments[:1] for page, arguments in LINES if page == "approval.md"] == [["approve"]]
    assert any(len(arguments) == 5 for page, arguments in LINES if page == "kubeflow.md"), "a continued line"


def test_the_table_of_commands_is_the_command_lines_own():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = {
        name: f"| `{name}` | {entry.help} |"
        for section in COMMANDS.values()
        for name, entry in section.items()
    }
    for name, row in rows.items():
        assert row in readme, f"README's table of commands lacks {name}"
    start = readme.index(rows["run"])
    table = readme[start : readme.index("\n\n", start)].splitlines()
    assert table == list(rows.values())


def test_no_placeholder_is_left_in_the_readme():
    assert re.findall(r"<!--.*?-->", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL) == []


def test_every_setting_that_a_page_names_exists():
    sections = {
        name: type(value).model_fields for name, value in config.Settings() if isinstance(value, BaseModel)
    }
    names = re.findall(rf"(?<![\w/.-])({'|'.join(sections)})\.([a-z_]+)\b", all_text())
    assert {section for section, _ in names} >= {"data", "gate", "kubeflow"}
    for section, name in names:
        is_file = name in ("md", "sqlite", "json")  # data.md, metadata.sqlite
        assert is_file or name in sections[section], (
            f"a page names the setting {section}.{name}, which does not exist"
        )


def test_every_link_inside_the_project_leads_somewhere():
    for page in PAGES:
        for target, _, anchor in links_of(page):
            named = page.parent / target if target else page
            assert named.exists(), f"{page.name} links to {target}"
            if anchor:
                assert anchor in anchors_of(named), f"{page.name} links to {target}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_option_in_the_first_column_of_a_table_exists(page):
    cells = re.findall(r"^\| (?!`python)([^|]+) \|", page.read_text(encoding="utf-8"), re.MULTILINE)
    named = {option for cell in cells for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", cell)}
    assert named - {"--help"} - set(options_of(cli, click.Context(cli))) == set()


def options_of(command: click.Command, context: click.Context) -> Iterator[str]:
    for parameter in command.params:
        yield from parameter.opts
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from options_of(found, click.Context(found, parent=context))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_of_the_project_that_a_page_names_exists(page):
    text = page.read_text(encoding="utf-8")
    floors = "pipeline|components|serving|benchmarks|deploy|docs|requirements|tests"
    named = re.findall(rf"`((?:{floors})/[\w./-]+\.\w+)(?:::\w+)?`", text)
    assert [path for path in named if path not in WRITTEN_LATER and not (ROOT / path).is_file()] == []


def links_of(page: Path) -> list[tuple[str, str, str]]:
    """File, `#` and anchor of each link into the project; the file is empty for the page itself."""
    targets = re.findall(r"\]\(([^):]+)\)", page.read_text(encoding="utf-8"))
    return [target.partition("#") for target in targets]


def anchors_of(page: Path) -> set[str]:
    """The anchors that a page's headings get."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def all_text() -> str:
    return "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
