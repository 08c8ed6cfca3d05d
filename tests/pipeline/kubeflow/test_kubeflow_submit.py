"""`greenlight submit` with kfp's own client, against a stand-in for Kubeflow Pipelines' API."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import trustme
import yaml
from click.testing import CliRunner
from kfp_api import Api, ended, error_body, serving

from pipeline import cli
from pipeline.commands import compile as compile_command
from pipeline.kubeflow import results
from pipeline.kubeflow.api import TOKEN_VARIABLE
from pipeline.outcome import RunResult

ROOT = Path(__file__).parents[3]
TOKEN = "a-token-that-nobody-may-see"
COMPILED = yaml.safe_dump({"pipelineInfo": {"name": "imdb-sentiment"}, "schemaVersion": "2.1.0"})
WELL = {"Trainer": "SUCCEEDED", "Pusher": "SUCCEEDED"}


@pytest.fixture
def api():
    with serving(Api()) as api:
        api.at_get_run = lambda run: ended(run, "SUCCEEDED", **WELL)
        yield api


@pytest.fixture
def store(tmp_path) -> str:
    return str(tmp_path / "models" / "imdb_sentiment")


@pytest.fixture
def submit(api, tmp_path, monkeypatch):
    """The command with settings that fit the stand-in; the compilation is another file's matter."""
    monkeypatch.setattr(compile_command, "compiled", lambda settings, as_json: COMPILED)
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))

    def run(*options: str, **settings: str):
        defaults = {
            "image": "an/image:1",
            "pipeline_root": "minio://mlpipeline/v2",
            "serving_root": str(tmp_path / "models"),
            "volumes": json.dumps({str(tmp_path / "models"): "models"}).replace(":", " ="),
            "api.host": api.url,
            "api.poll_seconds": "0.01",
        }
        given = defaults | {key.replace("__", "."): value for key, value in settings.items()}
        flags = [part for key, value in given.items() for part in ("--set", f"kubeflow.{key}={value}")]
        return CliRunner().invoke(cli.cli, ["submit", *flags, *options], prog_name="greenlight")

    return run


def keep(store: str, run: str = "run-1", **fields) -> None:
    results.save(RunResult(run=run, **fields), store)


# --- upload, start, wait, verdict


def test_a_run_is_uploaded_started_waited_for_and_judged(submit, api, store):
    states = iter(["PENDING", "RUNNING", "RUNNING", "SUCCEEDED"])

    def at_get_run(run):
        state = next(states)
        ended(run, state, Trainer="RUNNING" if state == "RUNNING" else "SUCCEEDED")

    api.at_get_run = at_get_run
    keep(store, verdict="promoted", version="3", metrics={"accuracy": 0.91})
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
    assert api.tables["versions"]["version-2"]["pipeline_spec"] == yaml.safe_load(COMPILED)


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
def test_the_exit_codes_are_those_of_greenlight_run(submit, api, store, state, fields, code, said):
    api.at_get_run = lambda run: ended(run, state, Trainer="SUCCEEDED")
    keep(store, **fields)
    result = submit()
    assert result.exit_code == code, result.output
    assert said in result.output


def test_json_is_the_result_and_nothing_else(submit, store):
    keep(store, verdict="promoted", version="3")
    told = json.loads(submit("--json").stdout)
    assert (told["verdict"], told["version"], told["run"], told["seconds"]) == (
        "promoted",
        "3",
        "run-1",
        300.0,
    )
    assert told["stages"][0] == {"name": "Trainer", "seconds": 300.0, "cached": False}


def test_an_unchanged_pipeline_is_uploaded_once(submit, api, store):
    for run in ("run-1", "run-2"):
        keep(store, run, verdict="unchanged")
    submit()
    assert submit().stdout.startswith("Unchanged: version imdb-sentiment-")
    assert len(api.sent("POST", "/pipelines/upload")) == 1
    assert len(api.sent("POST", "/pipelines/upload_version")) == 1
    assert [len(api.tables[table]) for table in ("runs", "experiments")] == [2, 1]


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


def test_a_run_that_was_started_before_can_be_waited_for(submit, api, store):
    submit("--no-wait")
    keep(store, verdict="refused", reasons=("no",))
    assert submit("--run", "run-1").exit_code == 3
    assert len(api.tables["runs"]) == 1


# --- runs that nobody can judge


@pytest.mark.parametrize(
    ("state", "stages", "said"),
    [
        ("SUCCEEDED", WELL, "The run ended well, but there is no result of it at "),
        ("FAILED", {"Trainer": "FAILED"}, "Error: Trainer failed on the cluster. The pod's log says why."),
        ("CANCELED", {"Trainer": "CANCELED"}, "Error: The run was cancelled."),
    ],
)
def test_a_run_without_a_result_is_no_promotion(submit, api, state, stages, said):
    api.at_get_run = lambda run: ended(run, state, **stages)
    result = submit()
    assert result.exit_code == 1
    assert said in result.stderr


def test_a_result_that_cannot_be_read_is_no_promotion(submit, store):
    keep(store, verdict="promoted")
    Path(results.path_of(store, "run-1")).write_text("{")
    result = submit()
    assert result.exit_code == 1
    assert "Error: The run ended well, but: The run's result at " in result.stderr


def test_a_promotion_of_a_run_that_failed_afterwards_is_none(submit, api, store):
    api.at_get_run = lambda run: ended(run, "FAILED", Pusher="FAILED")
    keep(store, verdict="promoted", version="3")
    result = submit()
    assert (result.exit_code, result.stderr) == (
        1,
        "Error: Pusher failed on the cluster. The pod's log says why.\n",
    )


def test_a_run_that_does_not_end_in_time_is_left_with_its_address(submit, api):
    api.at_get_run = lambda run: ended(run, "RUNNING", Trainer="RUNNING")
    result = submit(api__wait_seconds="0.05")
    assert result.exit_code == 1
    assert f"Run run-1 has not ended within 0.05 s (kubeflow.api.wait_seconds), and goes on: {api.url}" in (
        result.stderr
    )


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
    assert "The run goes on: " in result.stderr
    assert "`greenlight submit --run run-1` waits for it again.\n" in result.stderr


# --- who may, and where it is


def test_the_token_of_the_environment_is_sent_and_never_shown(submit, api, store, monkeypatch):
    api.token = TOKEN
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
    keep(store, verdict="unchanged")
    result = submit()
    assert result.exit_code == 0, result.output
    assert TOKEN not in result.output
    assert {request.headers.get("authorization") for request in api.requests} == {f"Bearer {TOKEN}"}


def test_a_token_file_is_read_anew_for_every_request(submit, api, store, tmp_path):
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")
    api.token = TOKEN

    def renewed(run):
        api.token = "renewed"
        token.write_text("renewed")
        ended(run, "RUNNING")
        api.at_get_run = lambda run: ended(run, "SUCCEEDED", **WELL)

    api.at_get_run = renewed
    keep(store, verdict="unchanged")
    result = submit(api__token_file=str(token))
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("settings", "code", "said"),
    [
        (
            {},
            2,
            "refused the token. Give a valid one in kubeflow.api.token_file or in the environment variable",
        ),
        (
            {"api__token_file": "/no/such/file"},
            2,
            "kubeflow.api.token_file = '/no/such/file': there is no such",
        ),
        (
            {"api__ca_file": "/no/such/file"},
            2,
            "kubeflow.api.ca_file = '/no/such/file': there is no such file.",
        ),
    ],
)
def test_a_missing_token_is_answered_in_words(submit, api, settings, code, said):
    api.token = TOKEN
    result = submit(**settings)
    assert (result.exit_code, said in result.stderr, TOKEN in result.output) == (code, True, False), (
        result.stderr
    )


def test_a_token_file_with_anything_but_a_token_is_refused(submit, tmp_path):
    (tmp_path / "token").write_text("two words")
    result = submit(api__token_file=str(tmp_path / "token"))
    assert result.exit_code == 2
    assert "a token is one word, and this is not." in result.stderr


def test_a_namespace_that_is_not_allowed_is_answered_in_words(submit, api):
    api.namespaces = ("ann",)
    result = submit(api__namespace="bob")
    assert result.exit_code == 2
    assert "does not allow this to whoever the token belongs to." in result.stderr
    assert "It says: User is not authorized in namespace bob." in result.stderr


def test_where_many_have_a_namespace_one_has_to_be_named(submit, api):
    api.namespaces = ("ann",)
    result = submit()
    assert result.exit_code == 2
    assert (
        "has many users: say whose runs these are, with --set kubeflow.api.namespace=NAMESPACE."
        in result.stderr
    )


def test_in_a_namespace_pipeline_and_experiment_are_its_own(submit, api, store):
    api.namespaces = ("ann",)
    keep(store, verdict="unchanged")
    assert submit(api__namespace="ann").exit_code == 0
    assert api.sent("POST", "/pipelines/upload")[0].query["namespace"] == "ann"
    assert api.sent("POST", "/experiments")[0].body["namespace"] == "ann"


def test_a_certificate_of_an_own_authority_is_trusted_where_it_is_named(submit, store, tmp_path):
    authority = trustme.CA()
    certificate, ca = tmp_path / "server.pem", tmp_path / "ca.pem"
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(certificate)
    authority.cert_pem.write_to_path(ca)
    keep(store, verdict="unchanged")
    with serving(Api(), certificate=certificate) as api:
        api.at_get_run = lambda run: ended(run, "SUCCEEDED", **WELL)
        trusted = submit(api__host=api.url, api__ca_file=str(ca))
        untrusted = submit(api__host=api.url)
    assert trusted.exit_code == 0, trusted.output
    assert untrusted.exit_code == 1
    assert f"The certificate of {api.url} is not trusted." in untrusted.stderr


# --- a host in trouble


def test_a_host_is_asked_for(submit):
    result = CliRunner().invoke(
        cli.cli,
        ["submit", "--set", "kubeflow.image=i", "--set", "kubeflow.pipeline_root=gs://b/r"],
        prog_name="greenlight",
    )
    assert result.exit_code == 2
    assert "Error: Which Kubeflow? Set its URL, such as with --set kubeflow.api.host=" in result.stderr


def test_errors_while_waiting_are_waited_out(submit, api, store):
    keep(store, verdict="unchanged")
    for status in (500, 502, 503):
        api.once("/runs/run-1", status, "<html>bad gateway</html>", "text/html")
    result = submit()
    assert result.exit_code == 0, result.output
    assert len(api.sent("GET", "/runs/run-1")) == 4


def test_a_host_that_stays_in_trouble_is_given_up_and_the_run_goes_on(submit, api):
    for _ in range(10):
        api.once("/runs/run-1", 503)
    result = submit()
    assert result.exit_code == 1
    assert (
        "has an error of its own (503). It says: as the test asked for The run run-1 goes on."
        in result.stderr
    )


def test_a_run_is_not_started_twice_when_the_answer_is_an_error(submit, api):
    api.once("/runs", 500)
    result = submit()
    assert result.exit_code == 1
    assert "has an error of its own (500)." in result.stderr
    assert len(api.sent("POST", "/runs")) == 1


@pytest.mark.parametrize(
    ("status", "body", "code", "said"),
    [
        (404, None, 2, "has nothing there."),
        (
            400,
            error_body(3, "the name is too long"),
            2,
            "refuses the request (400). It says: the name is too long",
        ),
        (
            200,
            "<html>Sign in</html>",
            1,
            "does not answer as Kubeflow Pipelines does (it sends text/html, not JSON)",
        ),
    ],
)
def test_what_the_host_answers_is_told_in_a_sentence(submit, api, status, body, code, said):
    api.once("/healthz", status, body, "text/html" if status == 200 else "application/json")
    result = submit()
    assert (result.exit_code, said in result.stderr) == (code, True), result.output
    assert "Traceback" not in result.output


def test_a_host_that_says_nothing_is_not_waited_for_longer_than_it_may_take(submit):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://localhost:{silent.getsockname()[1]}"
        result = submit(api__host=url, api__request_seconds="0.05")
    assert result.exit_code == 1
    assert f"{url} did not answer within 0.05 s (kubeflow.api.request_seconds)." in result.stderr


def test_a_host_that_is_not_there_is_named(submit):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://localhost:{gone.getsockname()[1]}"
    result = submit(api__host=url)
    assert result.exit_code == 1
    assert f"{url} cannot be reached (" in result.stderr


# --- as a whole


def test_the_real_compiled_pipeline_arrives_as_kfp_reads_it(api, store, tmp_path):
    keep(store, verdict="unchanged")
    flags = {
        "image": "an/image:1",
        "pipeline_root": "minio://mlpipeline/v2",
        "serving_root": str(tmp_path / "models"),
        "volumes": f'{{"{tmp_path / "models"}" = "models"}}',
        "api.host": api.url,
    }
    arguments = [part for key, value in flags.items() for part in ("--set", f"kubeflow.{key}={value}")]
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", "submit", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert (done.returncode, done.stderr) == (0, "")
    spec = api.tables["versions"]["version-2"]["pipeline_spec"]
    assert set(spec["components"]) >= {"ProductionModel", "Pusher"}
