"""Options that several commands share, and the settings object that they make."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pipeline.settings.layers import Merged

Function = Callable[..., Any]

as_json = click.option("--json", "as_json", is_flag=True, help="Print only JSON on standard output.")

kubeflow_parameters = click.option(
    "--param",
    "given",
    metavar="NAME=VALUE",
    multiple=True,
    help="One of kubeflow.parameters for this run, such as min_accuracy=0.9. Repeatable.",
)

CONFIG_FILE = "greenlight.toml"

_CONFIG = click.option(
    "--config",
    "files",
    metavar="FILE",
    multiple=True,
    help=f"A TOML file with settings; {CONFIG_FILE} in the current folder by default. Repeatable: "
    "later files win, key by key.",
)


def _complete_key(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """For the shell: names of settings that begin so, each with its `=`."""
    from pipeline.config import Settings
    from pipeline.settings.help import settings_of

    return [f"{key}=" for key in settings_of(Settings) if key.startswith(incomplete)]


_SET = click.option(
    "--set",
    "assignments",
    metavar="KEY=VALUE",
    multiple=True,
    help="One setting, such as trainer.epochs=10. Repeatable.",
    shell_complete=_complete_key,
)
_WORKSPACE = click.option("--workspace", metavar="DIR", help="Folder for all output of runs.")
_SOURCE = click.option(
    "--source", metavar="SOURCE", help="packaged, tfds, spans or files:PATTERN (data.source)."
)
_EMBEDDING = click.option(
    "--embedding", metavar="NAME", help="Name, URL or folder of an embedding (embedding.name)."
)
_PRESET = click.option(
    "--preset", metavar="NAME", help="A named set of settings: seed is the lesson's split."
)


def settings(
    command: Function | None = None, *, preset: str | None = None, origins: bool = False
) -> Function:
    """Adds the options for settings; the function gets them loaded and validated as `settings`.

    Args:
      preset: the one in force where none is given.
      origins: the function gets `given` as well, the settings before validation with the origin of each.
    """
    if command is None:
        return functools.partial(settings, preset=preset, origins=origins)
    for option in (_PRESET, _EMBEDDING, _SOURCE, _WORKSPACE, _SET, _CONFIG):
        command = option(command)
    return _with_settings(command, {"preset": preset}, origins=origins)


def workspace(command: Function) -> Function:
    """Adds the options that tell where a workspace is; the function gets `settings`."""
    for option in (_WORKSPACE, _SET, _CONFIG):
        command = option(command)
    return _with_settings(command, {})


def _with_settings(command: Function, defaults: dict[str, Any], *, origins: bool = False) -> Function:
    @functools.wraps(command)
    def with_settings(*args: Any, **options: Any) -> Any:
        from pipeline.config import parse

        given = _given_settings(options, defaults)
        if origins:
            options["given"] = given
        return command(*args, settings=parse(given), **options)

    return with_settings


def settings_files(named: Sequence[str]) -> list[Path]:
    """The settings files in force: those of --config, else `greenlight.toml` of the current folder."""
    if not named and Path(CONFIG_FILE).is_file():
        return [Path(CONFIG_FILE)]
    return [Path(file) for file in named]


def _given_settings(options: dict[str, Any], defaults: Mapping[str, Any]) -> Merged:
    """Takes the options for settings out of `options`; what they, files and environment say, with origins.

    Without --config the file `greenlight.toml` of the current folder is read, and standard error says so.
    """
    from pipeline.config import layers

    names = ("assignments", "workspace", "source", "embedding", "preset")
    given = {name: options.pop(name) for name in names if name in options}
    given = dict(defaults) | {name: value for name, value in given.items() if value is not None}
    named = options.pop("files", ())
    files = settings_files(named)
    if files and not named:
        click.echo(f"Settings: {CONFIG_FILE} of this folder.", err=True)
    return layers(file=files, environment=os.environ, **given)
