import dataclasses
import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import processes
import pytest
from e2e.flink import parts, standalone

SETTINGS = (
    "data.limit=200",
    "embedding.vocabulary_size=500",
    "trainer.epochs=1",
    "trainer.batch_size=64",
    "gate.min_accuracy=0.1",
    "gate.min_balanced_accuracy=off",
    "gate.min_examples=1",
    "infra.enabled=false",
)
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
        given = (f"workspace={self.root}", f"cache_dir={self.root.parent / 'cache'}", *SETTINGS, *self.beam)
        start = (str(self.python), "-W", "ignore", "-m", "pipeline.cli")
        return (*start, name, *processes.with_set(*given), *arguments)

    def run(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command, env = self.command(name, *arguments), processes.environment()
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=1200, check=False)

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


@pytest.fixture(scope="session")
def engine() -> parts.Engine:
    try:
        found = parts.engine()
    except parts.Missing as missing:
        pytest.skip(str(missing))
    print(f"Flink {found.flink}: {found.described}")
    return found


@pytest.fixture(scope="session")
def make_greenlight(engine, tmp_path_factory) -> Callable[..., Greenlight]:
    """Makes a workspace with input files; its commands take settings of Beam."""
    base = tmp_path_factory.mktemp("flink")

    def make(name: str, *beam: str) -> Greenlight:
        folder = base / name / "in"
        folder.mkdir(parents=True)
        for file, text in FILES.items():
            rows = "".join(f"{text} {number},{number}\n" for number in range(ROWS))
            (folder / f"{file}.csv").write_text(f"text,id\n{rows}")
        return Greenlight(python=engine.python, root=base / name, beam=beam)

    return make


@pytest.fixture(scope="session")
def in_process(make_greenlight) -> Greenlight:
    """A workspace whose stages ran in the command's own process."""
    return make_greenlight("in-process").promoted()


@pytest.fixture(scope="session")
def lib(engine) -> Path:
    """The jars of Flink itself."""
    try:
        return parts.distribution(engine.flink)
    except parts.Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def pool(engine, tmp_path_factory) -> Iterator[int]:
    """The port of a pool of workers."""
    port = processes.free_port()
    process = standalone.start_pool(engine.python, tmp_path_factory.mktemp("pool") / "log", port)
    yield port
    standalone.end(process)


@pytest.fixture(scope="module")
def cluster(lib, tmp_path_factory) -> Iterator[standalone.StandaloneCluster]:
    """A JobManager and two TaskManagers."""
    folder = tmp_path_factory.mktemp("cluster")
    with standalone.StandaloneCluster(folder, lib, slot_timeout_ms=20_000) as running:
        running.with_task_managers(2)
        yield running
