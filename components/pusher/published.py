"""The selection of a published version: by number, or the live one."""

from pathlib import Path

from components.errors import InputError
from serving.store.records import Version
from serving.versions import VersionStore


def published_version(store: VersionStore, number: int | None) -> Version:
    """The version of that number, or the live one; its files are not looked at.

    Raises:
      InputError: there is no such published version.
      StoreError: the folder cannot be read.
    """
    versions = store.versions()
    published = [version for version in versions if version.published]
    if number is None and published:
        return published[0]
    for version in published:
        if version.number == number:
            return version
    if any(version.number == number and version.state == "rolled-back" for version in versions):
        raise InputError(
            f"Version {number} was rolled back. `greenlight promote {number}` publishes it again, under a "
            f"new number; published are: {_numbers(published)}."
        )
    if not published:
        others = _other_models(store.root)
        remedy = f"There is: {', '.join(others)}; name one with --set model_name=NAME, or" if others else ""
        raise InputError(
            f"There is no version in {store.root}. {remedy or '`greenlight run` makes one;'} --workspace "
            "names another place."
        )
    raise InputError(f"Version {number} is not published in {store.root}; there are: {_numbers(published)}.")


def _other_models(root: str) -> list[str]:
    """The models beside this one in a folder of this machine: another `model_name` was published there."""
    folder = Path(root).parent
    if "://" in root or not folder.is_dir():
        return []
    return sorted(entry.name for entry in folder.iterdir() if any(entry.glob("[0-9]*/saved_model.pb")))


def _numbers(versions: list[Version]) -> str:
    return ", ".join(str(version.number) for version in versions) or "none"
