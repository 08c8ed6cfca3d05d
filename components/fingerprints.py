"""Fingerprints of a stage's code, part of its cache key, so that changed code runs again."""

import ast
import functools
import hashlib
from collections.abc import Iterator
from pathlib import Path

from components.packages import version_of

_ROOT = Path(__file__).parents[1]
_FIRST_PARTY = ("components", "serving")

PACKAGES = (
    "tensorflow",
    "tf-keras",
    "tfx",
    "tensorflow-model-analysis",
    "tensorflow-data-validation",
)
"""The packages that decide the result of a stage: another version of one is another code."""


def code_fingerprint(*modules: str) -> str:
    """Hex sha256 over the modules that a stage imports, and the versions of PACKAGES.

    Args:
      modules: dotted names of the stage's own modules, such as "components.trainer.train".

    Raises:
      FileNotFoundError: there is no such module.
    """
    hashed = hashlib.sha256()
    for path in sorted(imported_files(*modules)):
        hashed.update(f"{path.relative_to(_ROOT).as_posix()} {_digest(path)}\n".encode())
    for package in PACKAGES:
        hashed.update(f"{package}=={version_of(package)}\n".encode())
    return hashed.hexdigest()


def imported_files(*modules: str) -> frozenset[Path]:
    """The files of `modules` and of all modules of this project that they import, directly or through others.

    Imports inside functions count; a module that is only named in a string has to be one of `modules`.

    Raises:
      FileNotFoundError: there is no such module.
    """
    pending = [_file(module) for module in modules]
    found = set(pending)
    while pending:
        new = _imports(pending.pop()) - found
        found |= new
        pending += new
    return frozenset(found)


def _file(module: str) -> Path:
    path = _ROOT.joinpath(*module.split(".")).with_suffix(".py")
    if not path.is_file():
        raise FileNotFoundError(f"no Python module at {path}")
    return path


@functools.cache
def _imports(path: Path) -> frozenset[Path]:
    names = _imported_names(ast.parse(path.read_bytes()))
    first_party = (name.split(".") for name in names if name.split(".")[0] in _FIRST_PARTY)
    files = (_ROOT.joinpath(*parts).with_suffix(".py") for parts in first_party)
    return frozenset(file for file in files if file.is_file())


def _imported_names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
