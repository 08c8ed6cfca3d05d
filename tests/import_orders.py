"""A process that imports as an entry point does, and prints which names of other packages are missing then.

    python import_orders.py (run | tune | drift | batch-predict | step CLASS_OR_FUNCTION ...)

What TensorFlow Model Analysis offers depends on who imports it first: TFX 1.21 adds names to it when its own
modules are imported. So each entry point's order is tried in a process of its own. The order is that of the
source: a module, then what its functions import, top to bottom. Checked is each name that a module of ours or
of TFX takes from one of PACKAGES, of all modules that are loaded in the end. The output is a JSON list of
"module: name".
"""

import ast
import importlib
import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

PACKAGES = ("tensorflow_model_analysis", "tensorflow_data_validation", "tfx_bsl", "ml_metadata")
OURS = ("pipeline", "components", "serving")
COMMANDS = {
    "run": "pipeline.commands.run",
    "tune": "pipeline.commands.tune",
    "drift": "pipeline.commands.drift",
    "batch-predict": "pipeline.commands.serving.batch_predict",
}
TOLERANT = {"ImportError", "ModuleNotFoundError", "AttributeError", "Exception"}


def main(entry: str, *works: str) -> None:
    if entry == "step":
        from pipeline.kubeflow.step import ENTRYPOINT

        importlib.import_module(ENTRYPOINT)
        for module in (work.rpartition(".")[0] for work in works):
            importlib.import_module(module)
            import_in_order(module)
    else:
        importlib.import_module("pipeline.cli")
        import_in_order(COMMANDS[entry])
    users = [name for name in sys.modules if name.partition(".")[0] in ("tfx", *OURS)]
    print(json.dumps(sorted({missing for name in users for missing in missing_names(sys.modules[name])})))


def import_in_order(name: str, seen: set[str] | None = None) -> None:
    """Imports a module of ours, then what its functions import, and so on."""
    seen = set() if seen is None else seen
    if name in seen or name.partition(".")[0] not in OURS:
        return
    seen.add(name)
    for found in imported(parsed(importlib.import_module(name))):
        importlib.import_module(found)
        import_in_order(found, seen)


def parsed(module: ModuleType) -> ast.Module:
    file = getattr(module, "__file__", None)
    if not file or not file.endswith(".py"):
        return ast.Module([], [])
    return without_tolerated(ast.parse(Path(file).read_text(encoding="utf-8")))


def without_tolerated(tree: ast.Module) -> ast.Module:
    """Without what is for type checkers only, and what a module can do without."""

    class Removal(ast.NodeTransformer):
        def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
            is_for_types = ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
            return [self.visit(each) for each in node.orelse] if is_for_types else self.generic_visit(node)

        def visit_Try(self, node: ast.Try) -> ast.AST | None:
            caught = {
                name.id
                for handler in node.handlers
                if handler.type
                for name in ast.walk(handler.type)
                if isinstance(name, ast.Name)
            }
            return None if caught & TOLERANT else self.generic_visit(node)

        def visit_With(self, node: ast.With) -> ast.AST | None:
            suppressed = {
                name.id
                for item in node.items
                if ast.unparse(item.context_expr).partition("(")[0] in ("suppress", "contextlib.suppress")
                for name in ast.walk(item.context_expr)
                if isinstance(name, ast.Name)
            }
            return None if suppressed & TOLERANT else self.generic_visit(node)

    return Removal().visit(tree)


def imported(tree: ast.Module) -> Iterator[str]:
    """The modules that it imports, in the order of its lines."""
    for node in sorted_imports(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif node.module and not node.level:
            yield node.module
            for alias in node.names:
                if is_module(f"{node.module}.{alias.name}"):
                    yield f"{node.module}.{alias.name}"


def sorted_imports(tree: ast.Module) -> list[ast.Import | ast.ImportFrom]:
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    return sorted(found, key=lambda node: node.lineno)


def is_module(name: str) -> bool:
    parent, _, last = name.rpartition(".")
    if hasattr(importlib.import_module(parent), last):
        return isinstance(getattr(sys.modules[parent], last), ModuleType)
    return importlib.util.find_spec(name) is not None


def missing_names(module: ModuleType) -> Iterator[str]:
    """Each name of PACKAGES that the module uses and that is not there, as "module: name"."""
    tree = parsed(module)
    aliases = {}
    for node in sorted_imports(tree):
        for alias in node.names:
            whole = alias.name if isinstance(node, ast.Import) else f"{node.module}.{alias.name}"
            if whole.partition(".")[0] in PACKAGES:
                if resolve(whole) is None:
                    yield f"{module.__name__}: {whole}"
                aliases[alias.asname or alias.name] = whole
    for node in ast.walk(tree):
        whole = dotted(node, aliases) if isinstance(node, ast.Attribute) else None
        if whole and isinstance(resolve(whole.rpartition(".")[0]), ModuleType) and resolve(whole) is None:
            yield f"{module.__name__}: {whole}"


def dotted(node: ast.expr, aliases: dict[str, str]) -> str | None:
    """The whole name of `alias.name.name`; None for anything else."""
    if isinstance(node, ast.Name):
        return aliases.get(node.id)
    above = dotted(node.value, aliases) if isinstance(node, ast.Attribute) else None
    return f"{above}.{node.attr}" if above else None


def resolve(name: str) -> object | None:
    """What the dotted name stands for; None where there is no such thing."""
    try:
        return importlib.import_module(name)
    except ImportError:
        parent, _, last = name.rpartition(".")
        found = resolve(parent) if parent else None
        return None if found is None else getattr(found, last, None)


if __name__ == "__main__":
    main(*sys.argv[1:])
