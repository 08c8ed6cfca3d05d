"""What a stage's fingerprint covers: all code of ours that its results depend on, and the packages below."""

import ast
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from components import fingerprints
from components.fingerprints import PACKAGES, code_fingerprint, fingerprinted

ROOT = Path(__file__).parents[2]
COMPONENTS = ROOT / "components"
TFX_S_EXECUTOR = {COMPONENTS / "data_check" / "schema.py"}
TRAINER, RUN_FN = COMPONENTS / "trainer" / "component.py", COMPONENTS / "trainer" / "train.py"
SEARCH, FITS = COMPONENTS / "tuner" / "search.py", COMPONENTS / "tuner" / "measured.py"
RESULTS_DO_NOT_DEPEND_ON = {COMPONENTS / "fingerprints.py", COMPONENTS / "errors.py"}
"""What makes the key, and classes of errors: a stage that fails leaves nothing that could be cached."""


def syntax(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def first_party_imports(path: Path) -> Iterator[Path]:
    """The modules of ours that a file imports, inside functions, too."""
    for node in syntax(path):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path} has a relative import, which this test does not follow"
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            module = ROOT.joinpath(*name.split(".")).with_suffix(".py")
            if name.split(".")[0] in ("components", "serving") and module.is_file():
                yield module


def everything_behind(path: Path) -> set[Path]:
    found, left = {path}, [path]
    while left:
        new = set(first_party_imports(left.pop())) - found
        found |= new
        left += new
    return found


def fingerprinted_parts(path: Path) -> list[str]:
    """The arguments of the calls of `code_fingerprint` in a file."""
    return [
        ast.literal_eval(argument)
        for node in syntax(path)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == code_fingerprint.__name__
        for argument in node.args
    ]


def stages_of_ours() -> list[Path]:
    """The modules with a component that has an executor of ours, which they all import, and the Trainer's."""
    with_executor = {
        path
        for path in COMPONENTS.rglob("*.py")
        if any(
            isinstance(target, ast.Name) and target.id == "EXECUTOR_SPEC"
            for node in syntax(path)
            if isinstance(node, ast.Assign)
            for target in node.targets
        )
    }
    return sorted((with_executor - TFX_S_EXECUTOR) | {TRAINER})


@pytest.mark.parametrize("stage", [path.relative_to(ROOT).as_posix() for path in stages_of_ours()])
def test_a_stage_runs_again_when_any_of_its_code_changes(stage):
    path = ROOT / stage
    behind = everything_behind(path) | (everything_behind(RUN_FN) if path == TRAINER else set())
    lacking = behind - fingerprinted(*fingerprinted_parts(path)) - RESULTS_DO_NOT_DEPEND_ON
    assert not lacking, f"{stage} should fingerprint {sorted(each.relative_to(ROOT) for each in lacking)}"


def test_a_search_makes_its_fits_again_when_any_of_their_code_changes():
    assert everything_behind(SEARCH) - fingerprinted(*fingerprinted_parts(FITS)) <= RESULTS_DO_NOT_DEPEND_ON


def test_all_stages_with_executors_of_ours_are_looked_at():
    assert {path.relative_to(COMPONENTS).as_posix() for path in stages_of_ours()} == {
        "data_check/component.py",
        "data_check/statistics.py",
        "evaluator/component.py",
        "example_gen/component.py",
        "infra_validator/component.py",
        "production_model/component.py",
        "pusher/component.py",
        "trainer/component.py",
    }


def test_a_part_may_be_of_serving():
    assert fingerprinted("serving/canary.py", "reviews.py") == {
        ROOT / "serving" / "canary.py",
        COMPONENTS / "reviews.py",
    }
    assert ROOT / "serving" / "versions.py" in fingerprinted("serving")


def test_a_part_that_does_not_exist_is_named():
    with pytest.raises(FileNotFoundError, match=r"no Python modules at .*serving/canaries\.py"):
        code_fingerprint("serving/canaries.py")


@pytest.mark.parametrize("package", PACKAGES)
def test_another_version_of_a_package_is_another_code(package, monkeypatch):
    before = code_fingerprint("reviews.py")
    version = metadata.version
    monkeypatch.setattr(
        fingerprints.metadata, "version", lambda name: "99" if name == package else version(name)
    )

    assert code_fingerprint("reviews.py") != before


def test_the_packages_are_installed_under_these_names():
    assert all(metadata.version(package) for package in PACKAGES)
