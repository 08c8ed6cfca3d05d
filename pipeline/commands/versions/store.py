"""`greenlight versions`, `verify`, `promote`, `rollback` and `prune`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from components.errors import InputError
from pipeline.commands import options

if TYPE_CHECKING:
    from pipeline.config import Settings
    from serving.store.records import Version
    from serving.versions import VersionStore

Answer = TypeVar("Answer")

_REASON = click.option("--reason", metavar="TEXT", default="", help="The reason, recorded in the history.")


@click.command()
@options.workspace
@click.option("--history", is_flag=True, help="List all changes of versions with time, user and reason.")
@options.as_json
def versions(settings: Settings, history: bool, as_json: bool) -> None:
    """List the versions of the model.

    The live version is the one with the largest number, which TensorFlow Serving loads from the same folder.
    """
    store = _open(settings)
    if history:
        _show_history(store, as_json=as_json)
        return
    found = _told(store.versions)
    if as_json:
        live = next((version.number for version in found if version.state == "live"), None)
        click.echo(json.dumps({"root": store.root, "live": live, "versions": [_facts(one) for one in found]}))
    elif found:
        from pipeline.version_table import show_versions

        show_versions(found)
    else:
        click.echo(f"There is no version in {store.root}. `greenlight run` makes one.", err=True)


def _show_history(store: VersionStore, *, as_json: bool) -> None:
    events = _told(store.history)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(event) for event in events]))
        return
    for event in events:
        words = [event.at, f"{event.action:<9}", f"{event.version:>4}", event.who, event.why]
        click.echo("  ".join(words).rstrip())


def _facts(version: Version) -> dict[str, Any]:
    manifest = version.manifest
    return {
        "version": version.number,
        "state": version.state,
        "created": version.created,
        "accuracy": version.metrics.get("accuracy"),
        "metrics": dict(version.metrics),
        "run": manifest.facts.run_id if manifest else None,
        "approval": manifest.facts.approval if manifest else None,
        "promoted_from": manifest.promoted_from if manifest else None,
        "digest": version.digest,
        "path": version.path,
        "why": version.why,
        "problems": [{"file": problem.file, "what": problem.what} for problem in version.problems],
    }


@click.command()
@options.workspace
@click.option(
    "--public-key",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="PEM file with the public key to verify signatures with (push.public_key); unsigned versions fail.",
)
@options.as_json
@click.argument("version", type=int, required=False)
def verify(settings: Settings, public_key: Path | None, as_json: bool, version: int | None) -> int:
    """Verify the versions against their manifests.

    Compares the sha256 of every file, and reports missing and additional files; checks all versions without
    VERSION. Exit code 1 if something does not match.
    """
    store = _open(settings, public_key=public_key)
    numbers = [one.number for one in _existing(store)] if version is None else [version]
    problems = _told(lambda: {number: store.verify(number) for number in numbers})
    if as_json:
        checked = [
            {
                "version": number,
                "ok": not found,
                "problems": [{"file": problem.file, "what": problem.what} for problem in found],
            }
            for number, found in problems.items()
        ]
        click.echo(json.dumps({"ok": not any(problems.values()), "versions": checked}))
    else:
        for number, found in problems.items():
            click.echo("\n".join(map(str, found)) or f"version {number}: ok")
    return 1 if any(problems.values()) else 0


@click.command()
@options.workspace
@_REASON
@click.option(
    "--signing-key",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="PEM file with the private key to sign the copy with (push.signing_key).",
)
@options.as_json
@click.argument("version", type=int)
def promote(settings: Settings, reason: str, signing_key: Path | None, as_json: bool, version: int) -> None:
    """Make a version live.

    An older or rolled-back VERSION is published again under the next number, so that servers of the largest
    number load it.
    """
    store = _open(settings, signing_key=signing_key)
    taken_back = next(
        (one for one in _existing(store) if one.number == version and one.state == "rolled-back"), None
    )
    result = _told(lambda: store.promote(version, reason))
    if as_json:
        click.echo(
            json.dumps(
                {
                    "outcome": result.outcome,
                    "version": result.version,
                    "path": result.path,
                    "from": version,
                    "rolled_back": None if taken_back is None else taken_back.why,
                }
            )
        )
    elif result.outcome == "unchanged":
        click.echo(f"Version {result.version} is live already.")
    else:
        click.echo(f"Version {result.version} is live; it is the model of version {version}.")
        if taken_back is not None:
            why = f": {taken_back.why}" if taken_back.why else ""
            click.echo(f"Version {version} had been rolled back{why}.")
            if not reason:
                click.echo("No --reason was given: the history does not say why it is live again.", err=True)


_MAYBE_ROLLED_BACK = (
    "The version may be rolled back already: `greenlight versions` shows it. A second rollback without "
    "--from goes back one version more."
)


@click.command()
@options.workspace
@_REASON
@click.option(
    "--from",
    "expect",
    metavar="VERSION",
    type=int,
    help="Roll back only if this version is live or was already rolled back: safe to repeat.",
)
@options.as_json
def rollback(settings: Settings, reason: str, expect: int | None, as_json: bool) -> None:
    """Roll back to the previous good version.

    The live version is moved away, and its model is not pushed again unless a person promotes it.
    """
    from pipeline.termination import as_interruption

    store = _open(settings)
    _existing(store)
    with as_interruption(_MAYBE_ROLLED_BACK):
        result = _told(lambda: store.rollback(reason, expect=expect))
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(result)))
    elif result.changed:
        click.echo(f"Version {result.live} is live; version {result.rolled_back} was rolled back.")
    else:
        click.echo(f"Version {result.rolled_back} was rolled back before; version {result.live} is live.")


@click.command()
@options.workspace
@click.option(
    "--keep", metavar="N", type=int, required=True, help="How many good versions to keep, at least 1."
)
@click.option("--rolled-back", is_flag=True, help="Delete the files of rolled-back versions, too.")
@options.as_json
def prune(settings: Settings, keep: int, rolled_back: bool, as_json: bool) -> None:
    """Delete old versions.

    Keeps the N newest good versions and always the live one.
    """
    store = _open(settings)
    _existing(store)
    removed = _told(lambda: store.prune(keep, rolled_back=rolled_back))
    if as_json:
        click.echo(json.dumps({"removed": removed, "kept": [one.number for one in _told(store.versions)]}))
    elif removed:
        click.echo(f"Deleted: {', '.join(map(str, removed))}.")
    else:
        click.echo("Nothing to delete.")


def _open(
    settings: Settings, *, public_key: Path | None = None, signing_key: Path | None = None
) -> VersionStore:
    from pipeline.workspace.version_store import store_root
    from serving.store.signing import signer_of, verifier_of
    from serving.versions import VersionStore

    def opened() -> VersionStore:
        return VersionStore(
            store_root(settings),
            single_writer=settings.push.single_writer,
            signer=signer_of(signing_key or settings.push.signing_key),
            verifier=verifier_of(public_key or settings.push.public_key),
        )

    return _told(opened)


def _existing(store: VersionStore) -> list[Version]:
    """The store's versions; a mistyped workspace is answered before anything is made in it."""
    found = _told(store.versions)
    if not found:
        raise InputError(
            f"There is no version in {store.root}. "
            "`greenlight run` makes one; --workspace names another place."
        )
    return found


def _told(action: Callable[[], Answer]) -> Answer:
    """The action's result; what goes wrong in the store reaches the person in the store's words."""
    from components.store_errors import as_greenlight_errors

    with as_greenlight_errors():
        return action()
