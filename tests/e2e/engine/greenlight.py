"""Greenlight's commands on an engine, and a workspace with input files for them."""

import dataclasses
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import processes
from small_run import LEAST_RUN

FILES = {"a": "A great film", "b": "Awful and dull", "c": "I have seen better"}
"""Input files of a batch prediction, each with some rows like this one."""
ROWS = 50


@dataclasses.dataclass(frozen=True, kw_only=True)
class Greenlight:
    """Commands in processes of their own, in the environment of the engine and with settings of Beam."""

    python: Path
    root: Path
    beam: tuple[str, ...] = ()

    def command(self, name: str, *arguments: str) -> tuple[str, ...]:
        given = (f"workspace={self.root}", f"cache_dir={self.root.parent / 'cache'}", *LEAST_RUN, *self.beam)
        start = (str(self.python), "-W", "ignore", "-m", "pipeline.cli")
        return (*start, name, *processes.with_set(*given), *arguments)

    def run(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command, env = self.command(name, *arguments), processes.environment()
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=2300, check=False)

    @contextmanager
    def started(self, name: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """A command under way, which an interruption reaches alone; it ends with the context at last."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        command, env = self.command(name, *arguments), processes.environment()
        process = subprocess.Popen(command, env=env, start_new_session=True, **pipes)
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def prediction(self, name: str) -> tuple[str, str, str]:
        """The command that predicts all input files into the file `name`."""
        return "batch-predict", str(self.root / "in" / "*.csv"), str(self.root / name)

    def promoted(self) -> "Greenlight":
        """After a whole run and a prediction of all input files."""
        done = self.run("run", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        assert json.loads(done.stdout)["verdict"] == "promoted", done.stdout
        self.predict("out.csv")
        return self

    def predict(self, name: str) -> str:
        """Predicts all input files; returns what was said meanwhile."""
        done = self.run(*self.prediction(name))
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stderr


def with_input_files(root: Path, *, python: Path, beam: tuple[str, ...]) -> Greenlight:
    """The commands of a new workspace."""
    (root / "in").mkdir(parents=True)
    for file, text in FILES.items():
        rows = "".join(f"{text} {number},{number}\n" for number in range(ROWS))
        (root / "in" / f"{file}.csv").write_text(f"text,id\n{rows}")
    return Greenlight(python=python, root=root, beam=beam)
