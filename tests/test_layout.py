"""The layout rules: imports, packages, folder sizes, names, and the first docstring lines of modules."""

import ast
from collections import Counter
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from import_graph import files_of, imports_of, needs_of

ROOT = Path(__file__).parent.parent
PACKAGES = ("pipeline", "components", "serving")
FACADE = "greenlight"
FORBIDDEN = {
    "pipeline": {FACADE},
    "components": {FACADE, "pipeline"},
    "serving": {FACADE, "pipeline", "components", "tfx", "apache_beam", "tensorflow_model_analysis"},
}


def modules_of(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", FORBIDDEN)
def test_imports_only_point_down(package):
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in modules_of(package)
        for line, name in imports_of(path)
        if name.split(".")[0] in FORBIDDEN[package]
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_nothing_by_itself(package):
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in modules_of(package)
        if path.name == "__init__.py"
        for line, name in imports_of(path)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_folder_of_modules_is_a_package(package):
    folders = {path.parent for path in modules_of(package)}
    wrong = [str(folder.relative_to(ROOT)) for folder in folders if not (folder / "__init__.py").exists()]
    assert not wrong, f"no __init__.py in {', '.join(sorted(wrong))}: setuptools would leave it out"


def test_no_module_has_a_name_that_says_nothing():
    empty_names = {"utils", "util", "common", "helpers", "helper", "misc"}
    wrong = [
        str(path.relative_to(ROOT))
        for package in (FACADE, *PACKAGES, "tests", "benchmarks")
        for path in modules_of(package)
        if empty_names & {part.removesuffix(".py") for part in path.relative_to(ROOT).parts}
    ]
    assert not wrong, ", ".join(wrong)


def test_the_first_line_of_a_module_is_a_noun_phrase():
    clause = ("What", "Where", "Whether", "How", "Which", "Who", "When", "Why", "From")
    verb = (
        "Answers",
        "Holds",
        "Keeps",
        "Loads",
        "Prints",
        "Reads",
        "Runs",
        "Says",
        "Takes",
        "Tells",
        "Writes",
    )
    wrong = []
    for package in (FACADE, *PACKAGES, "benchmarks"):
        for path in modules_of(package):
            first = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]
            if not first or first.split()[0] in clause + verb:
                wrong.append(f"{path.relative_to(ROOT)}: {first!r}")
    assert not wrong, "\n".join(wrong)


def test_tests_are_no_packages_so_that_they_cannot_shadow_the_code():
    assert not list((ROOT / "tests").rglob("__init__.py"))


def modules() -> dict[str, Path]:
    """The project's modules by their dotted names."""
    return files_of(*PACKAGES, "benchmarks")


def room_of(module: str, folders_with_folders: set[str]) -> str:
    """The folder of a module; a module beside sub-folders (a folder's front door) is a room of its own."""
    folder = module.rpartition(".")[0]
    return module if folder in folders_with_folders else folder


def rooms() -> dict[str, set[str]]:
    """What each room imports, by room."""
    files = modules()
    folders = {name.rpartition(".")[0] for name in files}
    parents = {folder.rpartition(".")[0] for folder in folders}
    return needs_of({module: room_of(module, parents) for module in files}, files)


def fail_on_circles(needs: dict[str, set[str]]) -> None:
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        pytest.fail(" needs ".join(reversed(error.args[1])))


def test_no_module_needs_itself_by_way_of_others():
    files = modules()
    fail_on_circles(needs_of({name: name for name in files}, files))


def test_no_folder_needs_itself_by_way_of_others():
    fail_on_circles(rooms())


def test_a_module_beside_sub_folders_is_a_room_of_its_own():
    needs = rooms()
    assert "serving.rest" in needs["serving.server"] and "serving.model.predictor" in needs["serving.rest"]
    assert "serving" not in needs and "serving.model" not in needs


@pytest.mark.parametrize("package", (*PACKAGES, "benchmarks", "tests"))
def test_no_folder_has_more_modules_than_a_reader_can_hold(package):
    uncounted = {"__init__.py", "conftest.py"}
    sizes = Counter(path.parent for path in modules_of(package) if path.name not in uncounted)
    wrong = [f"{folder.relative_to(ROOT)}: {size} modules" for folder, size in sizes.items() if size > 12]
    assert not wrong, "\n".join(wrong)


def test_relative_imports_are_resolved_before_they_are_judged(tmp_path):
    module = tmp_path / "serving" / "inner" / "module.py"
    module.parent.mkdir(parents=True)
    module.write_text("from . import a\nfrom ..versions import b\n")
    assert [name for _, name in imports_of(module, root=tmp_path)] == [
        "serving.inner",
        "serving.inner.a",
        "serving.versions",
        "serving.versions.b",
    ]


def test_one_module_loads_saved_models():
    """So that the gate judges, and every command asks, what the server loads."""
    loaders = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in modules_of(package)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith(("saved_model.load", "loader.load"))
        and ast.unparse(node.func) != "loader.load"
    }
    assert loaders == {"serving/model/loader.py"}
