"""How a process ends: exit functions run, the code is the command's, TensorFlow is not taken apart."""

import subprocess
import sys

import pytest
from processes import environment

PROGRAM = """
import atexit, sys, types
from pipeline import cli

class Heavy:
    def __del__(self):
        print("came apart", flush=True)

def command():
    if {heavy}:
        sys.modules["tensorflow"] = types.ModuleType("tensorflow")
    sys.modules["heavy"] = types.ModuleType("heavy")
    sys.modules["heavy"].kept = Heavy()
    atexit.register(print, "cleaned up")
    print("answered")
    raise SystemExit({code!r})

cli.cli = command
cli.main()
"""


def ended(*, heavy: bool, code: object) -> tuple[int, list[str]]:
    """The exit code and the lines of a process whose command exits with `code`."""
    program = PROGRAM.format(heavy=heavy, code=code)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout.splitlines()


@pytest.mark.parametrize(("code", "expected"), [(0, 0), (None, 0), (3, 3), ("an error", 1)])
def test_with_tensorflow_the_process_ends_after_its_exit_functions(code, expected):
    assert ended(heavy=True, code=code) == (expected, ["answered", "cleaned up"])


def test_without_tensorflow_it_ends_as_any_other():
    assert ended(heavy=False, code=3) == (3, ["answered", "cleaned up", "came apart"])


def test_an_interrupted_command_waits_for_nothing():
    assert ended(heavy=True, code=130) == (130, ["answered"])


_WARNS = """
import sys, warnings
from pipeline import cli

sys.argv = ["greenlight", "--version"]
try:
    cli.main()
except SystemExit:
    for name in ("google.api_core._python_version_support", "pipeline.cli"):
        warnings.warn_explicit(f"from {name}", FutureWarning, "file.py", 1, module=name)
"""


def test_googles_packages_do_not_warn_a_user_about_python(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", _WARNS],
        env=environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "from pipeline.cli" in done.stderr and "from google" not in done.stderr
