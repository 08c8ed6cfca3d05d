"""`greenlight submit` against a stand-in for Kubeflow Pipelines' API."""

import json
from pathlib import Path

import processes
import pytest
from kfp_api import ENDED, Request, ended, error_body

from pipeline.kubeflow import results

WELL = {"Trainer": "SUCCEEDED", "Pusher": "SUCCEEDED"}


# --- upload, start, wait, verdict


def test_a_run_is_uploaded_started_waited_for_and_judged(submit, api, keep):
    states = iter(["PENDING", "RUNNING", "RUNNING", "SUCCEEDED"])

    def at_get_run(run):
        state = next(states)
        ended(run, state, Trainer="RUNNING" if state == "RUNNING" else "SUCCEEDED")

    api.at_get_run = at_get_run
    keep(verdict="promoted", version="3", metrics={"accuracy": 0.91})
    result = submit()
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0].startswith("Uploaded version imdb-sentiment-")
    assert result.stdout.splitlines()[1] == f"Started run run-1: {api.url}/#/runs/details/run-1"
    assert "Trainer          running\nTrainer          succeeded\n" in result.stdout
    assert "PROMOTED  version 3 is live" in result.stdout
    (sent,) = api.sent("POST", "/runs")
    assert sent.body["pipeline_version_reference"] == {
        "pipeline_id": "pipeline-1",
        "pipeline_version_id": "version-2",
    }
    assert sent.body["experiment_id"] == "experiment-1"
    assert sent.body["runtime_config"]["pipeline_root"] == "minio://mlpipeline/v2"
    spec = api.tables["versions"]["version-2"]["pipeline_spec"]
    assert spec["pipelineInfo"] == {"name": "imdb-sentiment"}


@pytest.mark.parametrize(
    ("state", "fields", "code", "said"),
    [
        ("SUCCEEDED", {"verdict": "unchanged", "version": "3"}, 0, "UNCHANGED"),
        ("SUCCEEDED", {"verdict": "refused", "reasons": ("accuracy 0.8 is below 0.85",)}, 3, "accuracy 0.8"),
        (
            "FAILED",
            {"verdict": "stopped", "reasons": ("12 rows of 600 are bad",)},
            4,
            "12 rows of 600 are bad",
        ),
        ("FAILED", {"verdict": "failed", "error": "Trainer: no", "error_code": 2}, 2, "Error: Trainer: no"),
        ("FAILED", {"verdict": "failed", "error": "Trainer: broke"}, 1, "Error: Trainer: broke"),
    ],
)
def test_the_exit_codes_are_those_of_greenlight_run(submit, api, keep, state, fields, code, said):
    api.at_get_run = lambda run: ended(run, state, Trainer="SUCCEEDED")
    keep(**fields)
    result = submit()
    assert result.exit_code == code, result.output
    assert said in result.output


def test_json_is_the_result_and_nothing_else(submit, keep):
    keep(verdict="promoted", version="3")
    told = json.loads(submit("--json").stdout)
    assert (told["verdict"], told["version"], told["run"], told["seconds"]) == (
        "promoted",
        "3",
        "run-1",
        300.0,
    )
    assert told["stages"][0] == {"name": "Trainer", "seconds": 300.0, "cached": False}


def test_stages_are_told_by_a_server_that_keeps_tasks_itself(submit, api, keep):
    """The servers after 2.17: `tasks` of the full view, in the place of `run_details`."""

    def at_get_run(run):
        assert api.requests[-1].query == {"view": "FULL"}
        times = {"create_time": "2026-11-22T10:00:00.25Z", "end_time": "2026-11-22T10:01:00.75Z"}
        states = {"root": "SUCCEEDED", "Schema": "CACHED", "Trainer": "SUCCEEDED"}
        tasks = [
            {"name": name, "display_name": name, "state": state, **times} for name, state in states.items()
        ]
        run |= {"state": "SUCCEEDED", "finished_at": "2026-11-22T10:05:00Z", "tasks": tasks}

    api.at_get_run = at_get_run
    keep(verdict="promoted", version="3")
    result = submit()
    assert "Schema           cached\nTrainer          succeeded\n" in result.stdout
    told = json.loads(submit("--run", "run-1", "--json").stdout)
    assert told["stages"] == [
        {"name": "Schema", "seconds": 60.5, "cached": True},
        {"name": "Trainer", "seconds": 60.5, "cached": False},
    ]


def test_a_stage_from_the_cache_is_told_though_the_server_says_succeeded(submit, api, keep):
    """The tasks are recorded: the second run of one version on a server that lets Argo keep the tasks."""
    recorded = Path(__file__).parent / "recorded" / "cached_run_7b70c7b.json"
    details = json.loads(recorded.read_text("utf-8"))["task_details"]
    api.at_get_run = lambda run: run.update(
        state="SUCCEEDED", finished_at=ENDED, run_details={"task_details": details}
    )
    keep(verdict="unchanged", version="1")
    assert "Trainer          cached\n" in submit().stdout
    told = json.loads(submit("--run", "run-1", "--json").stdout)
    carried_out = [stage["name"] for stage in told["stages"] if not stage["cached"]]
    assert carried_out == ["ProductionModel", "Evaluator", "Pusher"]
    assert len(told["stages"]) == 10


def test_an_unchanged_pipeline_is_uploaded_once(submit, api, keep):
    for run in ("run-1", "run-2"):
        keep(run, verdict="unchanged")
    submit()
    assert submit().stdout.startswith("Unchanged: version imdb-sentiment-")
    assert len(api.sent("POST", "/pipelines/upload")) == 1
    assert len(api.sent("POST", "/pipelines/upload_version")) == 1
    assert [len(api.tables[table]) for table in ("runs", "experiments")] == [2, 1]


@pytest.mark.parametrize("path", ["/pipelines/upload", "/pipelines/upload_version"])
def test_two_who_upload_the_same_at_once_both_get_it(submit, api, keep, path):
    """Between the look and the upload another `greenlight submit` has made it."""
    keep(verdict="unchanged")

    def other_is_faster(handler):
        if "pipeline-1" not in api.tables["pipelines"]:
            handler._uploaded(Request("POST", "", {"name": "imdb-sentiment"}, {}, {"file": "a: 1"}))
        if path.endswith("version"):
            query = {"pipelineid": "pipeline-1", "name": api.requests[-1].query["name"]}
            handler._version(*query.values(), api.requests[-1].body["file"])
        handler.reply(409, error_body(6, "already exists"))

    api.faults.append((f"/apis/v2beta1{path}", other_is_faster))
    result = submit()
    assert result.exit_code == 0, result.output
    names = [row["display_name"] for row in api.tables["versions"].values()]
    assert len(set(names)) == len(names) == 2
    assert len(api.tables["pipelines"]) == 1


def test_the_hosts_address_may_end_in_a_slash(submit, api, keep):
    keep(verdict="unchanged")
    result = submit(api__host=f"{api.url}/")
    assert result.exit_code == 0, result.output
    assert f"Started run run-1: {api.url}/#/runs/details/run-1\n" in result.stdout


def test_a_run_is_started_with_the_service_account_of_its_pods(submit, api):
    submit("--no-wait")
    submit("--no-wait", pod__service_account="pipeline-runner")
    accounts = [sent.body.get("service_account") for sent in api.sent("POST", "/runs")]
    assert accounts == [None, "pipeline-runner"]


@pytest.mark.parametrize("option", [("--param", "epochs=3"), ("--no-wait",)])
def test_options_of_a_start_are_refused_where_nothing_is_started(submit, api, option):
    result = submit("--run", "run-1", *option)
    assert result.exit_code == 2
    assert result.stderr == (f"Error: {option[0]} needs a run that is started; --run starts none.\n")
    assert not api.requests


def test_parameters_are_sent_as_numbers_and_texts(submit, api):
    result = submit("--no-wait", "--param", "epochs=3", "--param", "source=files:gs://a/*.csv")
    assert result.exit_code == 0, result.output
    (sent,) = api.sent("POST", "/runs")
    assert sent.body["runtime_config"]["parameters"] == {"epochs": 3, "source": "files:gs://a/*.csv"}


def test_without_waiting_it_says_which_run_it_is(submit, api):
    assert json.loads(submit("--no-wait", "--json").stdout) == {
        "run": "run-1",
        "link": f"{api.url}/#/runs/details/run-1",
    }
    assert not api.sent("GET", "/runs/run-1")


def test_a_run_that_was_started_before_can_be_waited_for(submit, api, keep):
    submit("--no-wait")
    keep(verdict="refused", reasons=("no",))
    assert submit("--run", "run-1").exit_code == 3
    assert len(api.tables["runs"]) == 1


# --- runs without a readable verdict


@pytest.mark.parametrize(
    ("state", "stages", "said"),
    [
        ("SUCCEEDED", WELL, "The run succeeded, but its result does not exist at "),
        ("FAILED", {"Trainer": "FAILED"}, "Error: Trainer failed on the cluster. The pod's log says why."),
        ("CANCELED", {"Trainer": "CANCELED"}, "Error: The run was cancelled."),
        ("SKIPPED", {"Trainer": "SKIPPED"}, "Error: The cluster skipped the run."),
    ],
)
def test_a_run_without_a_result_is_no_promotion(submit, api, state, stages, said):
    api.at_get_run = lambda run: ended(run, state, **stages)
    result = submit()
    assert result.exit_code == 1
    assert said in result.stderr


def test_a_result_that_cannot_be_read_is_no_promotion(submit, store, keep):
    keep(verdict="promoted")
    Path(results.path_of(store, "run-1")).write_text("{")
    result = submit()
    assert result.exit_code == 1
    assert "Error: The run succeeded, but: The run's result at " in result.stderr


def test_a_promotion_of_a_run_that_failed_afterwards_is_none(submit, api, keep):
    api.at_get_run = lambda run: ended(run, "FAILED", Pusher="FAILED")
    keep(verdict="promoted", version="3")
    result = submit()
    assert (result.exit_code, result.stderr) == (
        1,
        "Error: Pusher failed on the cluster. The pod's log says why.\n",
    )


def test_a_run_that_does_not_end_in_time_is_left_with_its_address(submit, api):
    api.at_get_run = lambda run: ended(run, "RUNNING", Trainer="RUNNING")
    result = submit(api__wait_seconds="0.05")
    assert result.exit_code == 1
    assert f"Run run-1 has not ended within 0.05 s (kubeflow.api.wait_seconds), and continues: {api.url}" in (
        result.stderr
    )
    assert "(`greenlight submit --run run-1` waits for it again)" in result.stderr


def test_ctrl_c_ends_the_waiting_and_says_that_the_run_goes_on(submit, api):
    def interrupted(run):
        raise KeyboardInterrupt

    import pipeline.kubeflow.submission as submission

    wait = submission.Cluster.wait
    try:
        submission.Cluster.wait = lambda self, run, tell: interrupted(run)
        result = submit()
    finally:
        submission.Cluster.wait = wait
    assert result.exit_code == 130
    (said,) = result.stderr.strip().splitlines()
    assert said.startswith("Interrupted by Ctrl-C. The run goes on: ")
    assert said.endswith("; `greenlight submit --run run-1` waits for it again.")


# --- as a whole


@pytest.mark.proof
def test_the_real_compiled_pipeline_arrives_as_kfp_reads_it(api, keep, tmp_path):
    keep(verdict="unchanged")
    flags = {
        "image": "an/image:1",
        "pipeline_root": "minio://mlpipeline/v2",
        "serving_root": str(tmp_path / "models"),
        "volumes": f'{{"{tmp_path / "models"}" = "models"}}',
        "api.host": api.url,
    }
    arguments = [part for key, value in flags.items() for part in ("--set", f"kubeflow.{key}={value}")]
    done = processes.greenlight("submit", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    given = api.tables["versions"]["version-2"]["pipeline_spec"]
    assert set(given) == {"pipeline_spec", "platform_spec"}
    spec = given["pipeline_spec"]
    assert set(spec["components"]) >= {"ProductionModel", "Pusher"}


def test_names_that_differ_in_case_only_are_not_taken_for_one(submit, api, keep):
    """The cluster's database compares without regard to case; an experiment of another is another."""
    api.new("experiments", "experiment", display_name="Greenlight", experiment_id="experiment-9")
    keep(verdict="unchanged")
    result = submit()
    assert result.exit_code == 2
    assert "already has an object of that name" in result.stderr
