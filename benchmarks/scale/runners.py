"""The Beam stages on Apache Flink beside the in-process runner, at several sizes."""

import dataclasses
import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from benchmarks.engines import flink, workers
from benchmarks.engines.flink_cluster import Size, StandaloneCluster
from benchmarks.engines.parts import Engine
from benchmarks.processes import CommandFailed, run
from benchmarks.scale import scratch as scratches
from benchmarks.scale.process_tree import ProcessTree
from benchmarks.scale.scratch import Measured

STAGES = ("ExampleGen", "StatisticsGen", "batch inference")
IN_PROCESS = "in process"
REVIEWS_A_FILE = 5_000
REVIEWS_OF_THE_MODEL = 25_000
_TASK_MANAGER = Size(heap_mib=2048, managed_mib=1024, direct_mib=1024)
_KEPT_SECONDS = 20
"""How long a worker waits for the next step of a job before it ends."""

Opened = Callable[[], AbstractContextManager[Sequence[str]]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Runner:
    """A runner of Beam. `opened` starts what it needs and yields the settings that name it."""

    name: str
    opened: Opened

    @property
    def slug(self) -> str:
        return self.name.replace(",", "").replace(" ", "-")


def measure_runners(sizes: Sequence[int], scratch: Path) -> dict[str, list[Measured]]:
    """Measures each stage at each size with each runner, unless `scratch` has its figures.

    `cpu` and `peak_mib` are of all processes together: the command, the job server, the cluster, and workers.

    Raises:
      Missing: something that Flink needs is not installed.
      CommandFailed: a stage failed, or processed another number of reviews than with the first runner.
    """
    engine = flink.engine()
    lib = flink.distribution(engine.version)
    print(f"Flink {engine.version}: {engine.described}", flush=True)
    found: dict[str, list[Measured]] = {}
    for size in sizes:
        for runner in runners(engine, lib, scratch):
            measured = measure_runner(runner, size, engine.python, scratch)
            found.setdefault(runner.name, []).extend(measured)
            require_same_reviews(found[IN_PROCESS], measured)
        shutil.rmtree(_folder(size, scratch), ignore_errors=True)
    return found


def runners(engine: Engine, lib: Path, scratch: Path) -> list[Runner]:
    """In process, by two processes, and on one and on two TaskManagers of a slot each."""

    @contextmanager
    def in_process(count: int) -> Iterator[Sequence[str]]:
        yield (f"beam.workers={count}",)

    @contextmanager
    def standalone(count: int) -> Iterator[Sequence[str]]:
        folder = scratch / f"cluster-{count}"
        folder.mkdir(exist_ok=True)
        with StandaloneCluster(folder, lib, size=_TASK_MANAGER) as cluster:
            cluster.with_task_managers(count)
            options = (
                f"--parallelism={count}",
                f"--environment_cache_millis={1000 * _KEPT_SECONDS}",
                *workers.started_by_the_cluster(engine.python, folder),
            )
            given = {"runner": "flink", "flink_master": cluster.master, "flink_job_server_jar": engine.jar}
            yield (*(f"beam.{key}={value}" for key, value in given.items()), _options(options))

    return [
        Runner(name=IN_PROCESS, opened=lambda: in_process(1)),
        Runner(name=f"{IN_PROCESS}, 2 workers", opened=lambda: in_process(2)),
        Runner(name="Flink, 1 TaskManager", opened=lambda: standalone(1)),
        Runner(name="Flink, 2 TaskManagers", opened=lambda: standalone(2)),
    ]


def _options(options: Sequence[str]) -> str:
    return f"beam.options={json.dumps(options)}"


def measure_runner(runner: Runner, size: int, python: Path, scratch: Path) -> list[Measured]:
    files = [scratch / f"{size}-{runner.slug}-{number}.jsonl" for number, _ in enumerate(STAGES, 1)]
    if not all(file.exists() for file in files):
        folder = _prepared(runner, size, python, scratch)
        with runner.opened() as settings:
            for stage, file in zip(STAGES, files, strict=True):
                if not file.exists():
                    measured = _measure(stage, size, python, folder, settings)
                    scratches.keep(file, [measured])
                    print(f"{size:,}, {runner.name}: {stage}, {measured.seconds:.1f} s", flush=True)
                    _await_end_of_workers(runner)
        shutil.rmtree(folder)
    return [measured for file in files for measured in scratches.kept(file)]


def _await_end_of_workers(runner: Runner) -> None:
    """Waits until idle workers have ended, so that their memory is free for the next stage."""
    if runner.name.startswith("Flink"):
        time.sleep(_KEPT_SECONDS + 5)


def _folder(size: int, scratch: Path) -> Path:
    return scratch / f"{size}-by-runner"


def _prepared(runner: Runner, size: int, python: Path, scratch: Path) -> Path:
    """A folder of the runner's own with the reviews and the model, which all have in common."""
    model = _model(python, scratch)
    shared = _folder(size, scratch)
    scratches.make_reviews(shared, size, a_file=REVIEWS_A_FILE)
    folder = shared / runner.slug
    folder.mkdir(exist_ok=True)
    for name, target in (("source", shared / "source"), ("serving", model)):
        if not (folder / name).exists():
            (folder / name).symlink_to(target)
    return folder


def _model(python: Path, scratch: Path) -> Path:
    """The store with a model of 25,000 reviews after one epoch."""
    folder = scratch / "model-of-the-runners"
    if not (folder / "serving").exists():
        scratches.make_reviews(folder, REVIEWS_OF_THE_MODEL)
        for stage in ("ExampleGen", "one training epoch"):
            run(_command(stage, python, folder, ()))
    return folder / "serving"


def _command(stage: str, python: Path, folder: Path, settings: Sequence[str]) -> list[str]:
    return [str(python), "-W", "ignore", "-m", "benchmarks.scale.stages", stage, str(folder), *settings]


def _measure(stage: str, size: int, python: Path, folder: Path, settings: Sequence[str]) -> Measured:
    tree = ProcessTree()
    with tree.sampled():
        cost = run(_command(stage, python, folder, settings))
    work = json.loads(cost.output.splitlines()[-1]) | {"cpu": tree.cpu}
    return Measured(stage=stage, size=size, process=cost.seconds, peak_mib=tree.peak_mib, **work)


def require_same_reviews(first: Sequence[Measured], measured: Sequence[Measured]) -> None:
    expected = {(one.stage, one.size): one.reviews for one in first}
    for one in measured:
        if one.reviews != expected[one.stage, one.size]:
            raise CommandFailed(
                f"{one.stage} took {one.reviews} reviews instead of {expected[one.stage, one.size]}"
            )


HEADER = (
    "stage",
    "reviews",
    "runner",
    "process s",
    "work s",
    "CPU s",
    "CPU µs a review",
    "a further one",
    "peak MiB of all",
)


def rows(found: dict[str, list[Measured]]) -> list[tuple[str, ...]]:
    """Cells for HEADER. A further one: CPU time for each review beyond those of the size before."""
    lines = []
    for stage in STAGES:
        before: dict[str, Measured] = {}
        for size in sorted({one.size for one in found[IN_PROCESS]}):
            for runner, measured in found.items():
                (one,) = (each for each in measured if (each.stage, each.size) == (stage, size))
                further = _further(before[runner], one) if runner in before else ""
                costs = f"{1e6 * one.cpu / max(one.reviews, 1):,.0f}", further, f"{one.peak_mib:,.0f}"
                seconds = f"{one.process:.1f}", f"{one.seconds:.1f}", f"{one.cpu:.1f}"
                lines.append((stage, f"{size:,}", runner, *seconds, *costs))
                before[runner] = one
    return lines


def _further(before: Measured, one: Measured) -> str:
    return f"{1e6 * (one.cpu - before.cpu) / max(one.reviews - before.reviews, 1):,.0f}"
