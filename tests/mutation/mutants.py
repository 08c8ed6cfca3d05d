"""What became of each mutant: read from the files that mutmut leaves beside a module it changed."""

import difflib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Status = Literal["killed", "survived", "timeout", "unclear"]

# Exit codes of pytest, and those that mutmut puts in their place.
_STATUS: dict[int, Status] = {0: "survived", 1: "killed", 3: "killed", 5: "survived", 33: "survived"}
_TIMEOUTS = (36, -24, 24, 152, 255)


@dataclass(frozen=True)
class Mutant:
    """One change of one function.

    Attributes:
      module: the module's path from the root of the checkout.
      function: its name; of a method with its class in front.
      was, becomes: the lines that differ, without the space around them.
      status: `survived` where no test failed or no test runs the function, `unclear` where mutmut's process
        ended in another way than by its tests.
    """

    module: str
    function: str
    was: str
    becomes: str
    status: Status


def read(folder: Path, module: str) -> Iterator[Mutant]:
    """The mutants of a module that were judged.

    Args:
      folder: where mutmut ran.
      module: the module's path from the root of the checkout.
    """
    changed = folder / "mutants" / module
    codes = _content(changed, ".meta")["exit_code_by_key"]
    spans = _content(changed, ".spans")["spans"]
    lines = changed.read_text(encoding="utf-8").splitlines()
    for name, code in codes.items():
        if code is None:
            continue
        mangled = name.rpartition(".")[2]
        plain = mangled.rpartition("__mutmut_")[0]
        original, mutated = (
            [line.replace(each, plain).strip() for line in lines[spans[each][0] - 1 : spans[each][1]]]
            for each in (f"{plain}__mutmut_orig", mangled)
        )
        was, becomes = _difference(original, mutated)
        yield Mutant(module, _function(plain), was, becomes, status_of(code))


def status_of(code: int) -> Status:
    """What an exit code says."""
    return "timeout" if code in _TIMEOUTS else _STATUS.get(code, "unclear")


def _content(changed: Path, suffix: str) -> dict:
    return json.loads(Path(f"{changed}{suffix}").read_text(encoding="utf-8"))


def _function(plain: str) -> str:
    """`x_judge` is a function, `xǁVerdictǁto_json` a method."""
    return re.sub(r"^x_", "", plain) if "ǁ" not in plain else ".".join(plain.split("ǁ")[1:])


def _difference(original: list[str], mutated: list[str]) -> tuple[str, str]:
    was: list[str] = []
    becomes: list[str] = []
    for line in difflib.ndiff(original, mutated):
        if line.startswith("- "):
            was.append(line[2:])
        elif line.startswith("+ "):
            becomes.append(line[2:])
    return " ".join(was), " ".join(becomes)
