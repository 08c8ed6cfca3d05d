"""`greenlight init`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

_REPOSITORY = "OWNER/greenlight"
_QUESTIONS: Mapping[str, tuple[str, Any]] = {
    "name": ("Name of the model", "my_model"),
    "source": ("Source of the data: packaged, spans, tfds or files:PATTERN", "packaged"),
    "text_column": ("Column of the text", "text"),
    "label_column": ("Column of the label", "label"),
    "classes": ("Names of the classes, such as ham,spam, or auto; none for negative and positive", ""),
    "min_accuracy": ("Accuracy that a candidate needs", 0.85),
    "repository": ("Greenlight's repository on GitHub, for the workflow", _REPOSITORY),
}
"""What is asked for each option that is not given, and the default."""
_FLOOR = click.FloatRange(0, 1)


@click.command()
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
@click.option("--name", metavar="NAME", help="The model's name. Default: my_model.")
@click.option("--source", metavar="SOURCE", help="packaged, tfds, spans or files:PATTERN. Default: packaged.")
@click.option("--text-column", metavar="NAME", help="The column of the text. Default: text.")
@click.option("--label-column", metavar="NAME", help="The column of the label. Default: label.")
@click.option(
    "--classes",
    metavar="NAMES",
    help="The names of the classes, such as ham,spam; auto learns them. Default: negative,positive.",
)
@click.option("--min-accuracy", type=_FLOOR, help="The gate's floor. Default: 0.85.")
@click.option("--repository", metavar="OWNER/NAME", help="Greenlight's repository on GitHub.")
def init(folder: Path, **given: Any) -> None:
    """Start a project: settings, a workflow with the gate, a test.

    Writes greenlight.toml, README.md, .gitignore, .github/workflows/gate.yml and tests/test_pipeline.py into
    DIR, the current folder by default. If one of them exists, nothing is written. In a terminal, without
    options, each choice is a question.
    """
    from pipeline.project_template.project import Choices, create, files_to_come

    choices = {name: default for name, (_, default) in _QUESTIONS.items()}
    if _in_terminal() and all(value is None for value in given.values()):
        for name in _QUESTIONS:
            choices[name] = _answer(name, choices)
    else:
        choices |= {name: value for name, value in given.items() if value is not None}
    written = create(folder, Choices(**choices))
    for path in written:
        click.echo(f"wrote   {path}")
    if choices["repository"] == _REPOSITORY:
        click.echo(
            f"todo    replace {_REPOSITORY} in .github/workflows/gate.yml by where Greenlight is for you"
        )
    if pattern := files_to_come(folder, choices["source"]):
        click.echo(f"todo    put your labeled texts where the settings look for them: {pattern}")
    click.echo(f"next    {'' if folder == Path('.') else f'cd {folder} && '}greenlight run")


def _answer(name: str, choices: Mapping[str, Any]) -> Any:
    """The answer to one question, which is asked until the answer goes with the earlier ones."""
    from components.errors import InputError
    from pipeline.project_template.project import Choices, settings_of

    def usable(answer: Any) -> Any:
        value = _FLOOR.convert(answer, None, None) if name == "min_accuracy" else answer
        try:
            settings_of(Choices(**{**choices, name: value}))
        except InputError as error:
            raise click.UsageError(str(error)) from error
        return value

    text, default = _QUESTIONS[name]
    return click.prompt(text, default=default, show_default=default != "", value_proc=usable)


def _in_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()
