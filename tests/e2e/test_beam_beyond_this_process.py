"""The Beam stages through Beam's own job service, with workers in processes of their own."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import processes
import pytest
import tensorflow as tf
from click.testing import CliRunner
from small_run import LEAST_RUN
from tensorflow_metadata.proto.v0 import statistics_pb2

from pipeline import cli
from pipeline.lineage.runs import read_run
from pipeline.workspace.layout import Workspace

pytestmark = pytest.mark.proof

REVIEWS = "text,id\nA great film,1\nAwful and dull,2\nI have seen better,3\n"


@pytest.fixture(scope="module")
def beam_options(tmp_path_factory):
    """The options of a job service and its workers, which run as docs/scaling.md starts them."""
    jobs, workers = processes.free_port(), processes.free_port()
    # The pool starts `python`, and the workers import this project.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    env = processes.environment(PATH=path)
    log = (tmp_path_factory.mktemp("beam") / "log").open("wb")
    commands = [
        [*job_service(), "-p", str(jobs)],
        ["-m", "apache_beam.runners.worker.worker_pool_main", "--service_port", str(workers)],
    ]
    started = [
        subprocess.Popen([sys.executable, *command], env=env, stdout=log, stderr=log) for command in commands
    ]
    try:
        for port, process in zip((jobs, workers), started, strict=True):
            wait_for(port, process)
        yield [
            "beam.runner=PortableRunner",
            f'beam.options=["--job_endpoint=localhost:{jobs}", "--job_server_timeout=600", '
            f'"--environment_type=EXTERNAL", "--environment_config=localhost:{workers}"]',
        ]
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(30)
        log.close()


def job_service() -> list[str]:
    """It tells workers to come back to this machine by its own name, which not all can look up."""
    module = "apache_beam.runners.portability.local_job_service_main"
    try:
        socket.getaddrinfo(socket.getfqdn(), None)
    except OSError:
        named = "import runpy, socket; socket.getfqdn = lambda name='': 'localhost'"
        return ["-c", f"{named}; runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"]
    return ["-m", module]


def wait_for(port: int, process: subprocess.Popen) -> None:
    while True:
        assert process.poll() is None, f"{process.args} has ended"
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)


def greenlight(command, *arguments, settings):
    result = CliRunner().invoke(cli.cli, [command, *processes.with_set(*settings), *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def workspaces(beam_options, embedding_cache, tmp_path_factory):
    """A workspace whose stages ran in this process, and one whose stages ran elsewhere; with predictions."""
    found = []
    for beam in ([], beam_options):
        root = tmp_path_factory.mktemp("workspace")
        (root / "reviews.csv").write_text(REVIEWS)
        settings = [f"workspace={root}", f"cache_dir={embedding_cache}", *beam]
        told = json.loads(greenlight("run", "--json", settings=[*settings, *LEAST_RUN]))
        assert told["verdict"] == "promoted", told
        greenlight("batch-predict", str(root / "reviews.csv"), str(root / "out.csv"), settings=settings)
        found.append(Workspace.at(root))
    return found


def output(workspace, stage, key) -> Path:
    return read_run(workspace.metadata).output(stage, key).path


def test_the_stages_leave_the_same_examples(workspaces):
    here, there = (records(output(workspace, "ImdbExampleGen", "examples")) for workspace in workspaces)
    assert sorted(here) == ["Split-eval", "Split-test", "Split-train"]
    assert sum(map(len, here.values())) == 200
    assert there == here


def records(examples: Path) -> dict[str, list[bytes]]:
    return {
        split.name: sorted(
            record
            for file in sorted(split.iterdir())
            for record in tf.data.TFRecordDataset(str(file), "GZIP").as_numpy_iterator()
        )
        for split in examples.glob("Split-*")
    }


def test_the_stages_leave_the_same_statistics(workspaces):
    here, there = (statistics(output(workspace, "StatisticsGen", "statistics")) for workspace in workspaces)
    assert here["Split-train"].datasets[0].num_examples > 100
    assert there == here


def statistics(folder: Path) -> dict:
    parse = statistics_pb2.DatasetFeatureStatisticsList.FromString
    return {file.parent.name: parse(file.read_bytes()) for file in folder.glob("*/FeatureStats.pb")}


def test_the_evaluation_comes_to_the_same(workspaces):
    import tensorflow_model_analysis as tfma

    here, there = (
        tfma.load_eval_result(str(output(workspace, "Evaluator", "evaluation"))).get_metrics_for_all_slices()
        for workspace in workspaces
    )
    assert here.keys() == there.keys() and () in here
    for name, value in here[()].items():
        if "doubleValue" in value:
            assert there[()][name]["doubleValue"] == pytest.approx(value["doubleValue"], abs=1e-5), name


def test_batch_predictions_are_the_same(workspaces):
    here, there = (pd.read_csv(workspace.root / "out.csv") for workspace in workspaces)
    assert list(here.id) == [1, 2, 3]
    assert list(there.predicted_label) == list(here.predicted_label)
    assert list(there.probability) == pytest.approx(list(here.probability), abs=1e-5)
