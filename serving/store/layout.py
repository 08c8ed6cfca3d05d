"""The folder layout of a version store: numbered versions, and one dot folder for its own files.

    ROOT/7/                          a version: a plain SavedModel and greenlight.manifest.json
    ROOT/.greenlight/store.json      format and id of the store, written once
    ROOT/.greenlight/journal.jsonl   the history, one JSON object a line
    ROOT/.greenlight/lock            one writer at a time
    ROOT/.greenlight/staging/        folders being written; leftovers of dead writers are removed
    ROOT/.greenlight/rolled-back/6/  bad versions, kept, never chosen again
    ROOT/.greenlight/set-aside/5/    damaged versions that a rollback moved away

TensorFlow Serving looks at names directly in ROOT and skips those that are not numbers.
"""

import dataclasses

from serving.storage.files import join

ROLLED_BACK_SHELF = "rolled-back"
SET_ASIDE_SHELF = "set-aside"
_LARGEST = 2**63 - 1


@dataclasses.dataclass(frozen=True)
class Layout:
    """Paths of the store at `root`."""

    root: str

    def version(self, number: int) -> str:
        return join(self.root, str(number))

    def shelf(self, name: str, number: int | None = None) -> str:
        return join(self.own, name) if number is None else join(self.own, name, str(number))

    @property
    def own(self) -> str:
        return join(self.root, ".greenlight")

    @property
    def identity(self) -> str:
        return join(self.own, "store.json")

    @property
    def journal(self) -> str:
        return join(self.own, "journal.jsonl")

    @property
    def lock(self) -> str:
        return join(self.own, "lock")

    @property
    def staging(self) -> str:
        return join(self.own, "staging")


def numbers(names: list[str]) -> list[int]:
    """The version numbers among folder names, largest first; without `07` and numbers beyond int64."""
    return sorted(
        (int(name) for name in names if name.isascii() and name.isdigit() and _plain(name)), reverse=True
    )


def highest(names: list[str]) -> int:
    """The largest number that TensorFlow Serving parses from the names, including `007`; 0 if none."""
    parsed = [int(name) for name in names if name.isascii() and name.isdigit()]
    return max((number for number in parsed if number <= _LARGEST), default=0)


def _plain(name: str) -> bool:
    return str(int(name)) == name and int(name) <= _LARGEST
