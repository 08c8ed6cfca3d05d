"""`greenlight doctor`."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import click

from pipeline.commands import options

if TYPE_CHECKING:
    from pipeline.config import Settings

COLORS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command()
@options.workspace
@click.option("--hub-url", metavar="URL", help="Address to check instead of TF Hub's, such as a mirror.")
@click.option("--tfds-url", metavar="URL", help="Address to check instead of TFDS's bucket.")
@options.as_json
def doctor(settings: Settings, hub_url: str | None, tfds_url: str | None, as_json: bool) -> int:
    """Check this machine and suggest remedies.

    Exit code 1 if a requirement of a run is missing. An address that does not respond is only a warning: the
    packaged reviews and vectors need no network.
    """
    from pipeline.doctor import HUB_URL, TFDS_URL, examine

    checks = []
    for check in examine(
        workspace=settings.workspace,
        cache=settings.cache,
        hub_url=hub_url or HUB_URL,
        tfds_url=tfds_url or TFDS_URL,
    ):
        checks.append(check)
        if not as_json:
            status = click.style(f"{check.status:<4}", COLORS[check.status])
            click.echo(f"{status}  {check.name:<27} {check.detail}")
            if check.remedy:
                click.echo(f"{'':<33} -> {check.remedy}")
    failed = sum(check.status == "fail" for check in checks)
    if as_json:
        click.echo(json.dumps({"ok": not failed, "checks": [dataclasses.asdict(check) for check in checks]}))
    else:
        click.echo(f"\n{failed} of {len(checks)} checks failed." if failed else "\nThis machine is ready.")
    return 1 if failed else 0
