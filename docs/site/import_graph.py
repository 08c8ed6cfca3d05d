"""The imports between the project's modules, read from their source."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]


def files_of(*packages: str, root: Path = ROOT) -> dict[str, Path]:
    """The files of the packages by the dotted names of their modules, `__init__` included."""
    return {
        ".".join(path.relative_to(root).with_suffix("").parts): path
        for package in packages
        for path in sorted((root / package).rglob("*.py"))
    }


def imports_of(path: Path, *, root: Path = ROOT) -> Iterator[tuple[int, str]]:
    """Line and absolute name of each import in a file, those inside functions and conditions too."""
    package = path.relative_to(root).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            source = ".".join([*above, *filter(None, [node.module])])
            yield node.lineno, source
            yield from ((node.lineno, f"{source}.{alias.name}") for alias in node.names)


def needs_of(groups: Mapping[str, str], files: Mapping[str, Path]) -> dict[str, set[str]]:
    """What each group of modules imports of the others.

    Args:
      groups: the group of each module, by the module's name.
      files: the modules' files.
    """
    needs: dict[str, set[str]] = {}
    for module, group in groups.items():
        imported = {groups[name] for _, name in imports_of(files[module]) if name in groups}
        needs.setdefault(group, set()).update(imported - {group})
    return needs


def without_shortcuts(needs: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
    """The fewest arrows from which the others follow: none from a to c where a reaches c through b."""
    reached: dict[str, set[str]] = {}

    def reach(name: str) -> set[str]:
        if name not in reached:
            reached[name] = set()
            for needed in needs.get(name, ()):
                reached[name] |= {needed} | reach(needed)
        return reached[name]

    return {
        name: {each for each in needed if not any(each in reach(other) for other in needed if other != each)}
        for name, needed in needs.items()
    }
