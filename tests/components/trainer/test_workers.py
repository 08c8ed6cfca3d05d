"""A training in several processes comes to what one process comes to, and leaves one model."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.errors import GreenlightError, InputError, MachineFault
from components.trainer import progress, workers
from components.trainer.job import Job
from components.trainer.settings import TrainerSettings
from components.trainer.train import HISTORY, carry_out

# Dropout draws its own numbers in each process. 90 and 400 leave batches that cannot be shared out evenly.
SAME = TrainerSettings(
    epochs=3,
    batch_size=90,
    scale_with_examples=False,
    hidden_units=(4,),
    dropout=0.0,
    ngram_min_count=2,
)
ROOT = Path(__file__).parents[3]
TEXTS = ["A wonderful film, full of life.", "Dull, slow and far too long.", ""]


@pytest.fixture(scope="module")
def job_of(embedding_settings, cache_dir, train_files, eval_files, tmp_path_factory):
    def make(**settings) -> Job:
        root = tmp_path_factory.mktemp("job")
        return Job(
            settings=SAME.model_copy(update=settings),
            embedding=embedding_settings,
            cache_dir=cache_dir,
            train_files=tuple(train_files),
            eval_files=tuple(eval_files),
            model_dir=str(root / "model"),
            run_dir=str(root),
        )

    return make


def results(job: Job):
    """The probabilities of some texts, and the figures of the epochs."""
    signature = tf.saved_model.load(job.model_dir).signatures["serving_default"]
    with open(f"{job.run_dir}/{HISTORY}", encoding="utf-8") as file:
        epochs = json.load(file)["epochs"]
    figures = [[epoch[name] for name in ("loss", "accuracy", "val_loss", "val_accuracy")] for epoch in epochs]
    return signature(text=tf.constant(TEXTS))["probability"].numpy(), np.array(figures)


@pytest.fixture(scope="module")
def alone(job_of):
    job = job_of()
    carry_out(job)
    return results(job)


@pytest.mark.proof
def test_two_processes_train_to_what_one_does_and_the_first_exports(job_of, alone, tmp_path):
    job, told = job_of(strategy="multi_worker", workers=2), []
    with progress.reporting_to(told.append):
        workers.run(job.save(tmp_path / "job.json"), workers=2)
    probabilities, figures = results(job)
    np.testing.assert_allclose(figures, alone[1], atol=1e-4)
    np.testing.assert_allclose(probabilities, alone[0], atol=1e-4)
    assert [line.split("  ")[0] for line in told if line.startswith("epoch")] == [
        "epoch 1/3",
        "epoch 2/3",
        "epoch 3/3",
    ]


@pytest.mark.proof
def test_a_mirrored_fit_comes_to_the_same(job_of, alone):
    job = job_of(strategy="mirrored")
    carry_out(job)
    probabilities, figures = results(job)
    np.testing.assert_allclose(figures, alone[1], atol=1e-4)
    np.testing.assert_allclose(probabilities, alone[0], atol=1e-4)


@pytest.mark.proof
def test_a_frozen_embedding_is_no_part_of_the_shared_fit(job_of):
    found = []
    for strategy in ("none", "mirrored"):
        job = job_of(strategy=strategy, ngram_order=0, epochs=2)
        job = job.model_copy(update={"embedding": job.embedding.model_copy(update={"trainable": False})})
        carry_out(job)
        found.append(results(job))
    np.testing.assert_allclose(found[1][0], found[0][0], atol=1e-4)
    np.testing.assert_allclose(found[1][1], found[0][1], atol=1e-4)


@pytest.mark.proof
def test_what_stops_a_process_is_told_as_it_is_in_one(job_of, tmp_path):
    job = job_of(strategy="multi_worker").model_copy(update={"train_files": (f"{tmp_path}/none*",)})
    with pytest.raises(GreenlightError, match=r"^The train split has no examples") as raised:
        workers.run(job.save(tmp_path / "job.json"), workers=1)
    assert raised.value.exit_code == 1


@pytest.fixture
def worker_program(tmp_path, monkeypatch):
    """Starts a shell script in the workers' place, which notes each start in `started`."""

    def program(text: str) -> Path:
        script, started = tmp_path / "worker", tmp_path / "started"
        script.write_text(f"#!/bin/sh\necho x >> {started}\n{text}\n")
        script.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(script))
        return started

    return program


def test_processes_that_are_killed_are_started_once_more_and_then_it_is_the_machine_s_fault(
    worker_program, tmp_path
):
    started = worker_program("echo TensorFlow tells something >&2\nkill -9 $$")
    with pytest.raises(MachineFault, match=r"training process 0 was ended by SIGKILL.* run again\.$"):
        workers.run(tmp_path / "job.json", workers=1)
    assert len(started.read_text().split()) == 2


def test_one_kill_costs_a_try_and_not_the_run(worker_program, tmp_path):
    started = worker_program(f"[ -e {tmp_path}/mark ] || {{ touch {tmp_path}/mark; kill -9 $$; }}")
    workers.run(tmp_path / "job.json", workers=1)
    assert len(started.read_text().split()) == 2


def test_a_crash_of_its_own_is_not_the_machine_s(worker_program, tmp_path):
    worker_program("kill -SEGV $$")
    with pytest.raises(
        GreenlightError, match="crashed twice: training process 0 was ended by SIGSEGV"
    ) as raised:
        workers.run(tmp_path / "job.json", workers=1)
    assert not isinstance(raised.value, MachineFault)


def test_a_process_that_fails_by_itself_is_not_tried_again(worker_program, tmp_path):
    started = worker_program("echo Traceback >&2\necho 'ValueError: odd' >&2\nexit 1")
    with pytest.raises(RuntimeError, match="ended with exit code 1: ValueError: odd"):
        workers.run(tmp_path / "job.json", workers=1)
    assert len(started.read_text().split()) == 1


def config(kind: str, index: int, **cluster) -> str:
    return json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})


def test_without_a_number_of_workers_or_a_cluster_it_is_refused(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(InputError) as refused:
        workers.require_known(SAME.model_copy(update={"strategy": "multi_worker"}))
    assert str(refused.value) == (
        "trainer.strategy = 'multi_worker' needs to know the workers: set trainer.workers to their number on "
        "this machine, or TF_CONFIG in the environment, as training operators do."
    )


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{}",
        config("worker", 2, worker=["a:1", "b:1"]),
        config("worker", -1, worker=["a:1", "b:1"]),
        config("ps", 0, ps=["a:1"]),
    ],
)
def test_a_cluster_without_a_place_for_this_process_is_refused(text):
    with pytest.raises(InputError, match=r"TF_CONFIG cannot be used \(.*\); expected something like \{"):
        workers.cluster_of(text)


def worker(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    clean = {name: value for name, value in os.environ.items() if name != "TF_CONFIG"}
    return subprocess.run(
        [sys.executable, "-m", "components.trainer.worker", *arguments],
        cwd=ROOT,
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=200,
    )


def test_an_operators_process_without_a_cluster_is_told_in_one_sentence(tmp_path):
    done = worker(str(tmp_path / "job.json"))
    assert done.returncode == 2
    assert done.stderr.startswith("Error: trainer.strategy = 'multi_worker' needs to know the workers: ")
    assert done.stderr.count("\n") == 1


def test_a_job_that_is_not_there_is_told_in_one_sentence(tmp_path):
    alone = config("worker", 0, worker=["127.0.0.1:1"])
    done = worker(str(tmp_path / "job.json"), TF_CONFIG=alone)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        f"Error: The job {tmp_path}/job.json cannot be read: No such file or directory."
    )
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "Invalid JSON"),
        (b"{}", "settings: Field required."),
        (b'{"settings": {"epochs": 0}}', "settings.epochs: Input should be greater than or equal to 1."),
        (b"\xff", "it is not text."),
    ],
)
def test_what_is_no_job_is_refused_with_what_is_wrong_in_it(tmp_path, content, said):
    file = tmp_path / "job.json"
    file.write_bytes(content)
    with pytest.raises(InputError) as refused:
        Job.load(file)
    assert str(refused.value).startswith(f"The job {file} is invalid: ")
    assert said in str(refused.value)


def test_the_job_of_the_documentation_is_one(tmp_path):
    text = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    (tmp_path / "job.json").write_text(block, encoding="utf-8")
    assert Job.load(tmp_path / "job.json").settings.strategy == "multi_worker"


def test_the_chief_exports_or_the_first_worker_where_there_is_none():
    two = {"worker": ["a:1", "b:1"]}
    assert [workers.leads(json.loads(config("worker", index, **two))) for index in (0, 1)] == [True, False]
    with_chief = {"chief": ["c:1"], **two}
    assert workers.leads(json.loads(config("chief", 0, **with_chief)))
    assert not workers.leads(json.loads(config("worker", 0, **with_chief)))
