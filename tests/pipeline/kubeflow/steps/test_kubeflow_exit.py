"""A compiled pipeline with an exit handler, run as Kubeflow runs it on an s3:// root: a run that fails."""

import json
import sys

import pytest
from kfp_cluster import FAILED, NOT_RUN, SUCCEEDED, Cluster
from kfp_versions import KFP_2_5, KFP_2_17

pytestmark = [pytest.mark.proof, pytest.mark.timeout(900)]

KEEP = "import pathlib, sys; pathlib.Path(sys.argv[1]).open('a').write(sys.stdin.read())"


@pytest.mark.parametrize("version", [KFP_2_5, KFP_2_17], ids=["2.5", "2.17"])
def test_the_alert_of_a_failed_run_has_the_reason_of_the_stage(compile_with, image_tree, tmp_path, version):
    told, models = tmp_path / "told.jsonl", tmp_path / "models"
    spec = compile_with(
        f"data.source=files:{tmp_path}/missing/*.csv",
        "kubeflow.pipeline_root=s3://reviews/greenlight?region=eu-north-1",
        f"kubeflow.serving_root={models}",
        f'kubeflow.volumes={{"{models}"="models"}}',
        f"kubeflow.project_dir={image_tree}",
        f"kubeflow.cache_dir={tmp_path / 'cache'}",
        "kubeflow.alerts=true",
        f"alerts.command={json.dumps([sys.executable, '-c', KEEP, str(told)])}",
    ).spec
    tasks = Cluster(tmp_path, version).run(spec, run_id="run-1", pipeline_root="s3://reviews/greenlight")
    assert tasks["TextExampleGen"].state == FAILED
    assert tasks["Trainer"].state == NOT_RUN
    assert tasks["Schema"].state == SUCCEEDED, tasks["Schema"].log
    assert tasks["Schema"].outputs["schema"].uri.startswith("s3://reviews/greenlight/")
    assert tasks["Alert"].state == SUCCEEDED, tasks["Alert"].log
    (line,) = told.read_text().splitlines()
    alert = json.loads(line)
    assert (alert["event"], alert["run"]) == ("failed", "run-1")
    assert "TextExampleGen" in alert["title"] and "missing" in alert["title"]
