"""`greenlight config ...`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from components.errors import InputError
from pipeline.commands import options
from pipeline.commands.group import Group

if TYPE_CHECKING:
    from pipeline.config import Settings
    from pipeline.settings.layers import Merged


@click.group(cls=Group)
def config() -> None:
    """Show the current settings, or explain one.

    Later layers override earlier ones: defaults, the preset, the --config files in order (`greenlight.toml`
    of the current folder by default), environment variables such as GREENLIGHT_GATE__MIN_ACCURACY=0.9, the
    options --workspace, --source and --embedding, and --set. Paths are relative to the current folder.
    """


@config.command()
@options.settings(origins=True)
def show(settings: Settings, given: Merged) -> None:
    """Print the current settings as a TOML file; comments name the origin of values that are not defaults."""
    from pipeline.config import to_toml
    from pipeline.settings.layers import with_origins

    click.echo(with_origins(to_toml(settings), given), nl=False)


@config.command()
@click.argument("key", required=False)
def explain(key: str | None) -> None:
    """Explain the setting KEY, or all settings of a section; without KEY, list all settings."""
    from pipeline.config import Settings
    from pipeline.settings import help as config_help
    from pipeline.settings.errors import suggest

    known = config_help.settings_of(Settings)
    if key is None:
        click.echo(config_help.explain_all(known.values()))
    elif setting := config_help.find(Settings, key):
        click.echo(config_help.explain(setting))
    elif key in config_help.sections(Settings):
        click.echo(config_help.explain_all(setting for setting in known.values() if setting.section == key))
    else:
        raise InputError(f"There is no setting {key!r}. {suggest(Settings, key)}")
