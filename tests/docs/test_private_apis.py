"""docs/private-apis.md: it lists what the code uses of other packages although the name is private."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "private-apis.md").read_text(encoding="utf-8")
SOURCES = {
    path: path.read_text(encoding="utf-8")
    for package in ("pipeline", "components", "serving")
    for path in sorted((ROOT / package).rglob("*.py"))
}
TREES = {path: ast.parse(source) for path, source in SOURCES.items()}
DOCUMENTED = {"_exit", "_replace", "_typeshed"}
"""Of os, of named tuples, and for types alone: public in spite of their names."""


def is_private(name: object) -> bool:
    return isinstance(name, str) and name.startswith("_") and not name.startswith("__")


def defined_in(tree: ast.AST) -> set[str]:
    """The names of functions, of classes, and of what is assigned to."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    found = {node.name for node in ast.walk(tree) if isinstance(node, functions)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.attr if isinstance(node, ast.Attribute) else node.id)
    return found


CLASSES = {
    node.name: node for tree in TREES.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)
}
OURS = set().union(*map(defined_in, TREES.values()))


def attributes_of(owner: ast.ClassDef) -> set[str]:
    """What a class of ours defines, with those of ours that it is derived from."""
    bases = [CLASSES.get(ast.unparse(base).rpartition(".")[2]) for base in owner.bases]
    return defined_in(owner).union(*[attributes_of(base) for base in bases if base not in (None, owner)])


def private_names(tree: ast.Module) -> Iterator[str]:
    """The private names of other packages that a module uses."""
    of_self = {
        id(node): owner
        for owner in ast.walk(tree)
        if isinstance(owner, ast.ClassDef)
        for node in ast.walk(owner)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            holder, owner = ast.unparse(node.value), of_self.get(id(node))
            is_ours = node.attr in OURS
            if holder in ("self", "cls") and owner is not None:
                is_ours = node.attr in attributes_of(owner)
            if holder == "super()" or not is_ours:
                yield node.attr
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "setattr", "hasattr"):
            yield from (each.value for each in node.args[1:2] if is_private(getattr(each, "value", None)))
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from filter(is_private, [*node.module.split("."), *[alias.name for alias in node.names]])
        elif isinstance(node, ast.Import):
            yield from (part for alias in node.names for part in alias.name.split(".") if is_private(part))


def test_every_private_name_of_another_package_is_on_the_page():
    listed = set(re.findall(r"\b_\w+", PAGE)) | DOCUMENTED
    unlisted = [
        f"{path.relative_to(ROOT)}: {name}"
        for path, tree in TREES.items()
        for name in sorted(set(private_names(tree)) - listed)
    ]
    assert not unlisted, (
        "Private names of other packages. Use a public one, or add a row with a reason and a test to "
        "docs/private-apis.md:\n" + "\n".join(unlisted)
    )


ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith("| API ")
]
IDS = [api for api, *_ in ROWS]


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_a_row_is_about_what_the_code_uses(row):
    api, used_in, *_ = row
    files = re.findall(r"`([^`]+\.py)`", used_in)
    text = "\n".join((ROOT / file).read_text(encoding="utf-8") for file in files)
    names = {name.rpartition(".")[2] for name in re.findall(r"`([\w.]+)`", api)}
    assert files and {name for name in names if name not in text} == set()


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_a_row_has_a_test_that_owns_it_and_is_quick(row):
    """A proof would be left out of the fast tests, which are what runs on the other generation."""
    tests = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", row[3])
    assert tests, f"{row[0]}: no test"
    file, name = tests[0]
    functions = [
        node
        for node in ast.parse((ROOT / file).read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and name in ("", node.name)
    ]
    quick = [each for each in functions if "proof" not in "".join(map(ast.unparse, each.decorator_list))]
    assert quick, f"{row[0]}: {file} has no such test among the fast ones"
