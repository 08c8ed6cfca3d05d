"""A group of commands whose error for an unknown command suggests the nearest one."""

from __future__ import annotations

import difflib
from typing import Any

import click


class Group(click.Group):
    """The group of all commands, and each group of subcommands."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Raises UsageError for an unknown command, with the nearest name as a suggestion."""
        names = self.list_commands(ctx)
        if not args[0].startswith("-") and args[0] not in names:
            near = difflib.get_close_matches(args[0], names, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"There is no command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)
