"""Options that several commands share; the settings they add up to arrive as one object."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Function = Callable[..., Any]

as_json = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON and nothing else on standard output."
)

kubeflow_parameters = click.option(
    "--param",
    "given",
    metavar="NAME=VALUE",
    multiple=True,
    help="One of kubeflow.parameters for this run, such as min_accuracy=0.9. Repeatable.",
)

_CONFIG = click.option("--config", "file", metavar="FILE", help="A TOML file with settings.")
_SET = click.option(
    "--set",
    "assignments",
    metavar="KEY=VALUE",
    multiple=True,
    help="One setting, such as trainer.epochs=10. Repeatable.",
)
_WORKSPACE = click.option("--workspace", metavar="DIR", help="Folder of everything that runs leave behind.")
_SOURCE = click.option(
    "--source", metavar="SOURCE", help="packaged, tfds, spans or files:PATTERN (data.source)."
)
_EMBEDDING = click.option(
    "--embedding", metavar="NAME", help="Name, URL or folder of an embedding (embedding.name)."
)
_PRESET = click.option(
    "--preset", metavar="NAME", help="A named set of settings: seed is the lesson's split."
)


def settings(command: Function | None = None, *, preset: str | None = None) -> Function:
    """Adds the options for settings; the function gets them loaded and validated as `settings`.

    preset: the one in force where none is given.
    """
    if command is None:
        return functools.partial(settings, preset=preset)
    for option in (_PRESET, _EMBEDDING, _SOURCE, _WORKSPACE, _SET, _CONFIG):
        command = option(command)
    return _with_settings(command, {"preset": preset})


def workspace(command: Function) -> Function:
    """Adds the options that tell where a workspace is; the function gets `settings`."""
    for option in (_WORKSPACE, _SET, _CONFIG):
        command = option(command)
    return _with_settings(command, {})


def _with_settings(command: Function, defaults: dict[str, Any]) -> Function:
    @functools.wraps(command)
    def with_settings(*args: Any, **options: Any) -> Any:
        from pipeline.config import load

        names = ("file", "assignments", "workspace", "source", "embedding", "preset")
        given = {name: options.pop(name) for name in names if name in options}
        given = defaults | {name: value for name, value in given.items() if value is not None}
        if "file" in given:
            given["file"] = Path(given["file"])
        return command(*args, settings=load(**given), **options)

    return with_settings
