"""A machine made of stand-ins: setup.sh runs whole, but its Pythons, pip and uv only take notes.

The stand-in for Python runs the code that setup.sh hands it in a real interpreter, which then claims another
version, or to lack modules or headers; nothing is downloaded and nothing is installed.
"""

import os
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
TOOLS = (
    *("bash", "cat", "chmod", "cp", "cut", "dirname", "find", "getconf", "ls", "mkdir", "mv", "rm", "sed"),
    *("sha256sum", "shasum", "sleep", "tail", "uname"),
)

PYTHON = """#!/bin/sh
case "$1" in
  -c)
    shift 2
    [ $# = 0 ] || printf '%s\\n' "imports $*; writes ${{PYTHONDONTWRITEBYTECODE:-byte code}}" >>"$NOTES" ;;
  -m)
    [ "$2 $4" = "pip list" ] && {{ printf '%s' "$PIP_SETTINGS"; exit 0; }}
    printf '%s\\n' "python $*" >>"$NOTES"
    case "$*" in
      "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
      *requirements/uv.txt) cp "$UV" "$(dirname "$0")/uv" ;;
    esac ;;
  -) shift; exec {real} -c '{claims}; exec(sys.stdin.read())' "$@" ;;
esac
"""
CLAIMS = """import importlib.util, sys, sysconfig
sys.version_info = ({version}, "final", 0)
sys._base_executable = "{file}"
find = importlib.util.find_spec
importlib.util.find_spec = lambda name: None if name in {without} else find(name)
paths = sysconfig.get_paths
sysconfig.get_paths = lambda *scheme: paths(*scheme) | dict(include="{headers}")"""
UV = """#!/bin/sh
printf '%s\\n' "uv $* [index $UV_DEFAULT_INDEX] [cert $SSL_CERT_FILE]" >>"$NOTES"
while [ -n "$UV_WAITS_FOR" ] && [ ! -e "$UV_WAITS_FOR" ]; do sleep 0.05; done
[ -z "$UV_FAILS" ] || { echo "uv: no space left" >&2; exit 1; }
case "$*" in *--editable*) cp "$0" "$(dirname "$0")/greenlight" ;; esac
"""


def write_script(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@dataclass
class Machine:
    """One computer with a checkout on it."""

    home: Path
    checkout: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def bin(self) -> Path:
        return self.home / "bin"

    @property
    def notes(self) -> list[str]:
        """What was asked of the Pythons, pip and uv so far."""
        path = self.home / "notes"
        return path.read_text().splitlines() if path.exists() else []

    def forget(self) -> None:
        (self.home / "notes").unlink(missing_ok=True)

    def add_python(
        self, name: str, version: str, *, without: tuple[str, ...] = (), headers: bool = True
    ) -> Path:
        file = self.bin / name
        claims = CLAIMS.format(
            version=version.replace(".", ", "),
            file=file,
            without=tuple(without),
            headers=self.home / ("include" if headers else "nowhere"),
        ).replace("'", '"')
        return write_script(file, PYTHON.format(real=f'"{sys.executable}"', claims=claims))

    def add(self, name: str, text: str = "#!/bin/sh\nexit 0\n") -> Path:
        return write_script(self.bin / name, text)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(self.checkout / "requirements/setup.sh"), *arguments],
            env={**self.environment, **environment},
            cwd=self.checkout,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def setup(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, **environment)
        out, err = process.communicate(timeout=300)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def explain(self, **environment: str) -> dict[str, str]:
        done = self.setup("--explain", **environment)
        assert done.returncode == 0, done.stderr
        return dict(line.split(": ", 1) for line in done.stdout.splitlines())


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A Linux of glibc 2.36 with a compiler and no Python; its folders have spaces in their names."""
    made = Machine(home=tmp_path / "a machine", checkout=tmp_path / "a checkout")
    made.bin.mkdir(parents=True)
    (made.home / "include").mkdir()
    (made.home / "include" / "Python.h").touch()
    for tool in TOOLS:
        if found := shutil.which(tool):
            (made.bin / tool).symlink_to(found)
    made.add("c++")
    shutil.copytree(ROOT / "requirements", made.checkout / "requirements")
    shutil.copy(ROOT / "pyproject.toml", made.checkout)
    shutil.copy(ROOT / "Makefile", made.checkout)
    made.environment = {
        "PATH": str(made.bin),
        "HOME": str(made.home),
        "NOTES": str(made.home / "notes"),
        "UV": str(write_script(made.home / "uv", UV)),
        "GREENLIGHT_PLATFORM": "Linux x86_64",
        "GREENLIGHT_GLIBC": "2.36",
        "LC_ALL": os.environ.get("LC_ALL", "C"),
    }
    return made
