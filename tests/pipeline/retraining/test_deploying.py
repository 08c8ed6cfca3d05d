"""The systemd unit and the CronJob: checked by the tools that will read them, where they are there."""

import os
import pwd
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from components.errors import InputError
from pipeline.config import load
from pipeline.deployment import retrain as deploying


def sections(unit):
    """The unit's keys, one value each."""
    lines = [line for line in unit.splitlines() if "=" in line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


@pytest.fixture
def unit(tmp_path, monkeypatch):
    folder = tmp_path / "a 100% folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    settings = load(assignments=["workspace=work", "retrain.stop_seconds=60", "alerts.linger_seconds=5"])
    return deploying.systemd_unit(settings, config=[Path("my.toml")])


def test_the_service_watches_with_the_settings_file_by_its_full_path(unit, tmp_path):
    command = sections(unit)["ExecStart"]
    assert command.startswith(f"{sys.executable} -P -m pipeline.cli retrain --watch --config ")
    assert f"'{tmp_path}/a 100%% folder/my.toml'" in command
    assert f"--workspace '{tmp_path}/a 100%% folder/work'" in command


def test_it_is_given_the_time_that_a_run_needs_to_end(unit):
    found = sections(unit)
    assert (found["TimeoutStopSec"], found["KillMode"], found["Restart"]) == ("80", "mixed", "on-failure")
    assert found["RestartPreventExitStatus"] == "2"


def test_it_runs_as_whoever_asked_for_it(unit, monkeypatch):
    assert sections(unit)["User"] == pwd.getpwuid(os.getuid()).pw_name
    monkeypatch.setattr(os, "getuid", lambda: 987654)
    assert sections(deploying.systemd_unit(load(), config=[]))["User"] == "987654"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_takes_the_unit(unit, tmp_path):
    file = tmp_path / "greenlight-retrain.service"
    file.write_text(unit)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(file)], capture_output=True, text=True, timeout=60
    )
    about_the_unit = [line for line in done.stderr.splitlines() if "greenlight-retrain" in line]
    assert (done.returncode, about_the_unit) == (0, []), done.stderr


def rendered(*assignments, **given):
    options = {"image": "registry.example/greenlight:1", "every": "*/15 * * * *", "claim": "data"} | given
    return list(yaml.safe_load_all(deploying.cron_job(load(assignments=assignments), **options)))


@pytest.mark.parametrize("version", ["1.27", "1.31"])
def test_kubernetes_takes_the_cron_job_and_its_settings(version):
    for document in rendered("retrain.time_zone=Europe/Berlin"):
        kubernetes_validate.validate(document, version, strict=True)


def test_the_cron_job_looks_as_often_as_asked_one_at_a_time_and_leaves_retries_to_the_journal():
    _, job = rendered("retrain.time_zone=Europe/Berlin", every="0 * * * *")
    spec = job["spec"]
    assert (spec["schedule"], spec["timeZone"]) == ("0 * * * *", "Europe/Berlin")
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["jobTemplate"]["spec"]["backoffLimit"] == 0
    pod = spec["jobTemplate"]["spec"]["template"]["spec"]
    assert (pod["restartPolicy"], pod["terminationGracePeriodSeconds"]) == ("Never", 55)
    assert pod["volumes"][0]["persistentVolumeClaim"] == {"claimName": "data"}


def test_the_pod_gets_the_settings_in_force_with_the_workspace_on_its_volume(tmp_path):
    config_map, job = rendered("retrain.on_drift=true", "alerts.webhook=env:ALERTS_URL")
    file = tmp_path / "greenlight.toml"
    file.write_text(config_map["data"]["greenlight.toml"])
    settings = load(file=file)
    assert (settings.workspace, settings.retrain.on_drift) == (Path("/workspace"), True)
    assert settings.cache == Path("/workspace/cache"), "the pod's user may have no home"
    container = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    assert container["args"] == ["retrain", "--config", "/etc/greenlight/greenlight.toml"]
    assert tomllib.loads(file.read_text())["alerts"]["webhook"] == "env:ALERTS_URL"


def test_a_password_does_not_go_into_a_config_map():
    with pytest.raises(InputError, match=r"alerts.slack is written out.*set alerts.slack = env:NAME"):
        rendered("alerts.slack=https://hooks.example.com/SECRET")


@pytest.mark.parametrize(
    ("assignment", "named"),
    [
        ("data.source=files:examples/*.csv", "data.source = 'examples/*.csv'"),
        ("data.tfds_data_dir=datasets", "data.tfds_data_dir = 'datasets'"),
        ("push.signing_key=key.pem", "push.signing_key = 'key.pem'"),
        ("push.serving_root=models", "push.serving_root = 'models'"),
        ("trainer.module=my_model.py:build", "trainer.module = 'my_model.py:build'"),
        ("embedding.name=./emb", "embedding.name = './emb'"),
        ("embedding.name=~/emb", "embedding.name = '~/emb'"),
        ("embedding.name=models/emb", "embedding.name = 'models/emb'"),
        ("beam.flink_job_server_jar=flink.jar", "beam.flink_job_server_jar = 'flink.jar'"),
        ("beam.spark_job_server_jar=spark.jar", "beam.spark_job_server_jar = 'spark.jar'"),
        ("alerts.webhook=file:secrets/url", "alerts.webhook = 'file:secrets/url'"),
        ("alerts.slack=file:secrets/url", "alerts.slack = 'file:secrets/url'"),
    ],
)
def test_a_path_of_this_folder_is_refused(assignment, named):
    """The pod starts in another folder, and would end with "no such file" at the first run."""
    with pytest.raises(InputError) as refused:
        rendered(assignment)
    assert str(refused.value).startswith(
        f"{named}: the CronJob's pod would not find a relative path. Give the absolute path of a file"
    )


@pytest.mark.parametrize(
    "assignment",
    [
        *(
            f"data.source={source}"
            for source in ("spans", "packaged", "files:/data/*.csv", "files:gs://bucket/*.csv")
        ),
        *(
            f"embedding.name={name}"
            for name in ("/models/nnlm", "nnlm-en-dim50", "https://tfhub.dev/google/nnlm-en-dim50/2")
        ),
        "beam.flink_job_server_jar=/jars/flink.jar",
        "beam.spark_job_server_jar=/jars/spark.jar",
        "alerts.webhook=file:/secrets/url",
        "alerts.slack=file:/secrets/url",
        "alerts.slack=env:ALERTS_URL",
    ],
)
def test_what_a_pod_finds_is_taken_whatever_this_machine_has(assignment):
    config_map, _ = rendered(assignment)
    key, _, value = assignment.partition("=")
    assert f'{key.partition(".")[2]} = "{value}"' in config_map["data"]["greenlight.toml"]


def test_without_an_image_or_with_a_wrong_time_there_is_no_cron_job():
    with pytest.raises(InputError, match=r"give --image NAME, or set kubeflow.image"):
        rendered(image=None)
    with pytest.raises(InputError, match="--every 'hourly': expected a cron expression"):
        rendered(every="hourly")


@pytest.mark.parametrize("every", ["*/15 * * * *", "5,35 8-18/2 * jan-mar mon-fri", "0 3 1 1 sun"])
def test_times_that_kubernetes_takes_are_handed_on(every):
    assert rendered(every=every)[1]["spec"]["schedule"] == every


@pytest.mark.parametrize("every", ["0 0 7 * * *", "0 3 * * 7", "0 3 * * MON#2", "0 0 L * *", "0 3 * * 5L"])
def test_times_that_kubernetes_would_refuse_are_refused_before_it_does(every):
    with pytest.raises(InputError, match=r"is more than Kubernetes takes: five fields of numbers"):
        rendered(every=every)


def test_a_person_can_read_the_settings_in_the_config_map():
    text = deploying.cron_job(load(), image="a", every="0 3 * * *", claim="data")
    assert "  greenlight.toml: |\n    workspace = " in text


def test_the_image_of_kubeflow_will_do():
    _, job = rendered("kubeflow.image=registry.example/stages:2", image=None)
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == "registry.example/stages:2"
