"""A copy of the sources and tests, in which mutmut changes line by line and runs the tests of an area."""

import json
import os
import random
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SOURCES = ("components", "pipeline", "serving")
COPIED = (*SOURCES, "tests", "docs", "pyproject.toml")

_WITHOUT = ("-p", "no:cacheprovider", "-p", "no:unraisableexception")
"""Parts of pytest that cost more than a test: the second one collects garbage five times."""


@dataclass(frozen=True)
class Area:
    """Modules that are changed, and the tests that judge each change: paths from the root of the checkout.

    `arguments`: more arguments for pytest. `unchanged`: regular expressions; mutmut leaves their lines alone.
    """

    name: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]
    arguments: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()


class MutmutFailed(Exception):
    """mutmut did not get as far as judging a mutant; its last lines, which lack what the tests said."""


def areas(path: Path = ROOT / "tests" / "mutation" / "areas.toml") -> list[Area]:
    """The areas of `areas.toml`, in the order of the file: the dearest mistakes first."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    return [
        Area(name, **{key: tuple(values) for key, values in entry.items()}) for name, entry in content.items()
    ]


def prepare(area: Area, folder: Path) -> None:
    """Copies what mutmut needs into `folder`, with its settings at the end of pyproject.toml."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(
                source, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".hypothesis")
            )
        else:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, folder / name)
    with open(folder / "pyproject.toml", "a", encoding="utf-8") as pyproject:
        pyproject.write(_settings(area))


def _settings(area: Area) -> str:
    """mutmut's settings; forkserver because a fork of a process in which TensorFlow has worked may hang."""
    settings = {
        "source_paths": SOURCES,
        "only_mutate": area.modules,
        "do_not_mutate_patterns": area.unchanged,
        "also_copy": ("docs",),  # a test runs the commands in it
        "pytest_add_cli_args_test_selection": area.tests,
        "pytest_add_cli_args": ("-m", "not proof", *_WITHOUT, *area.arguments),
        "process_isolation": "forkserver",
        "use_git_change_detection": False,
        "track_dependencies": False,
    }
    return "\n[tool.mutmut]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())


def run(folder: Path, modules: Iterable[str], *, sample: int | None, jobs: int) -> None:
    """Has the tests judge the mutants of a prepared folder.

    Args:
      folder: see `prepare`.
      modules: the modules that are changed.
      sample: at most so many mutants of each module, drawn at random, the same in each run; None for all.
      jobs: how many mutants are judged at once.
    Raises:
      MutmutFailed: the tests fail without a change already, or mutmut itself does.
    """
    names: list[str] = []
    if sample is not None:
        # mutmut has no command that only makes the mutants: asked for one that does not exist, it stops then.
        _mutmut(folder, ("none",), jobs=jobs)
        for module in modules:
            names += drawn(sorted(_meta(folder, module)), sample, seed=module)
    done = _mutmut(folder, names, jobs=jobs)
    if done.returncode != 0:
        raise MutmutFailed(last_lines((folder / "mutmut.log").read_text(encoding="utf-8")))


def last_lines(log: str) -> str:
    """The end of what mutmut said, without its spinner."""
    lines = [line for line in log.splitlines() if line.strip() and not "\u2800" <= line[0] <= "\u28ff"]
    return "\n".join(lines[-15:])


def drawn(names: Sequence[str], size: int, *, seed: str) -> list[str]:
    """At most `size` of the names, the same in each run."""
    return sorted(random.Random(seed).sample(names, min(size, len(names))))


def _meta(folder: Path, module: str) -> list[str]:
    path = folder / "mutants" / f"{module}.meta"
    return list(json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]) if path.exists() else []


def _mutmut(folder: Path, names: Sequence[str], *, jobs: int) -> subprocess.CompletedProcess:
    # `python -m mutmut` would be imported twice.
    start = "from mutmut.__main__ import cli; cli()"
    command = [sys.executable, "-c", start, "run", "--max-children", str(jobs), *names]
    installed = [str(Path(path).resolve()) for path in sys.path if (Path(path) / "mutmut").is_dir()]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(installed), "TF_USE_LEGACY_KERAS": "1"}
    with open(folder / "mutmut.log", "a", encoding="utf-8") as log:
        return subprocess.run(command, cwd=folder, env=environment, stdout=log, stderr=log, check=False)
