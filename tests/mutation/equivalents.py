"""Equivalent mutants: no test can kill them, because the code does the same. `equivalent.toml` has them."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mutation.mutants import Mutant

FILE = Path(__file__).parent / "equivalent.toml"


@dataclass(frozen=True)
class Equivalent:
    """A change that changes nothing.

    Attributes:
      module, function: where; see `Mutant`.
      was: the line as it is.
      becomes: what the mutant makes of it; "" for whatever it makes of it.
      reason: why nothing differs.
    """

    module: str
    function: str
    was: str
    reason: str
    becomes: str = ""

    def covers(self, mutant: Mutant) -> bool:
        return (
            (self.module, self.function, self.was) == (mutant.module, mutant.function, mutant.was)
            and self.becomes in ("", mutant.becomes)
        )  # fmt: skip


def equivalents(path: Path = FILE) -> list[Equivalent]:
    """All entries of the file."""
    return [
        Equivalent(module=module, **entry)
        for module, entries in tomllib.loads(path.read_text(encoding="utf-8")).items()
        for entry in entries
    ]


def outdated(known: Iterable[Equivalent], mutants: Iterable[Mutant]) -> list[Equivalent]:
    """The entries about these mutants' modules that fit none of them: the line was changed since."""
    found = list(mutants)
    modules = {mutant.module for mutant in found}
    return [each for each in known if each.module in modules and not any(map(each.covers, found))]
