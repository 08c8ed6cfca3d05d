"""Equivalent mutants: no test can kill them, because the code does the same. `equivalent.toml` has them."""

import ast
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mutation.mutants import Mutant
from mutation.sandbox import ROOT

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


def gone(known: Iterable[Equivalent], root: Path = ROOT) -> list[Equivalent]:
    """The entries whose function does not have their line (any more), or which is not there itself."""
    return [each for each in known if _words(each.was) not in _words(_source(root, each))]


def _source(root: Path, entry: Equivalent) -> str:
    """The source of an entry's function; "" where there is none."""
    text = (root / entry.module).read_text(encoding="utf-8")
    found: ast.AST | None = ast.parse(text)
    for name in entry.function.split("."):
        found = next((each for each in ast.walk(found) if getattr(each, "name", None) == name), None)
        if found is None:
            return ""
    return ast.get_source_segment(text, found) or ""


def _words(text: str) -> str:
    return " ".join(text.split())
