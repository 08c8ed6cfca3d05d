"""How `greenlight submit` speaks to a host: tokens, namespaces, certificates, and a host in trouble."""

import contextlib
import socket
import time

import pytest
import trustme
from click.testing import CliRunner
from kfp_api import Api, ended, error_body, serving

from pipeline import cli
from pipeline.kubeflow.api import TOKEN_VARIABLE

TOKEN = "a-token-that-nobody-may-see"
WELL = {"Trainer": "SUCCEEDED", "Pusher": "SUCCEEDED"}


# --- who may, and where it is


def test_the_token_of_the_environment_is_sent_and_never_shown(submit, api, keep, monkeypatch):
    api.token = TOKEN
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
    keep(verdict="unchanged")
    result = submit()
    assert result.exit_code == 0, result.output
    assert TOKEN not in result.output
    assert {request.headers.get("authorization") for request in api.requests} == {f"Bearer {TOKEN}"}


def test_a_token_file_is_read_anew_for_every_request(submit, api, keep, tmp_path):
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")
    api.token = TOKEN

    def renewed(run):
        api.token = "renewed"
        token.write_text("renewed")
        ended(run, "RUNNING")
        api.at_get_run = lambda run: ended(run, "SUCCEEDED", **WELL)

    api.at_get_run = renewed
    keep(verdict="unchanged")
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
            "kubeflow.api.token_file = '/no/such/file': the file does not",
        ),
        (
            {"api__ca_file": "/no/such/file"},
            2,
            "kubeflow.api.ca_file = '/no/such/file': the file does not exist.",
        ),
    ],
)
def test_a_missing_token_is_answered_in_words(submit, api, settings, code, said):
    api.token = TOKEN
    result = submit(**settings)
    assert (result.exit_code, said in result.stderr, TOKEN in result.output) == (code, True, False), (
        result.stderr
    )


@pytest.mark.parametrize("content", [b"two words", b"\xff\xfe"])
def test_a_token_file_with_anything_but_a_token_is_refused(submit, tmp_path, content):
    (tmp_path / "token").write_bytes(content)
    result = submit(api__token_file=str(tmp_path / "token"))
    assert result.exit_code == 2
    assert "the token must be a single word." in result.stderr


def test_a_namespace_that_is_not_allowed_is_answered_in_words(submit, api):
    api.namespaces = ("ann",)
    result = submit(api__namespace="bob")
    assert result.exit_code == 2
    assert "does not allow this to the token's owner." in result.stderr
    assert "It says: User is not authorized in namespace bob." in result.stderr


def test_where_many_have_a_namespace_one_has_to_be_named(submit, api):
    api.namespaces = ("ann",)
    result = submit()
    assert result.exit_code == 2
    assert (
        "is a multi-user Kubeflow. Name the namespace of the runs with --set kubeflow.api.namespace=NAMESPACE"
        in result.stderr
    )


def test_in_a_namespace_pipeline_and_experiment_are_its_own(submit, api, keep):
    api.namespaces = ("ann",)
    keep(verdict="unchanged")
    assert submit(api__namespace="ann").exit_code == 0
    assert api.sent("POST", "/pipelines/upload")[0].query["namespace"] == "ann"
    assert api.sent("POST", "/experiments")[0].body["namespace"] == "ann"


def test_a_certificate_of_an_own_authority_is_trusted_where_it_is_named(submit, keep, tmp_path):
    authority = trustme.CA()
    certificate, ca = tmp_path / "server.pem", tmp_path / "ca.pem"
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(certificate)
    authority.cert_pem.write_to_path(ca)
    keep(verdict="unchanged")
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
    assert (
        "Error: kubeflow.api.host is not set. Set it to the URL of Kubeflow Pipelines, such as with --set "
        in result.stderr
    )


def test_errors_while_waiting_are_waited_out(submit, api, keep):
    keep(verdict="unchanged")
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
        "has an internal error (503). It says: as the test asked for Stopped waiting for run run-1; "
        "`greenlight submit --run run-1` waits for it again." in result.stderr
    )


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, "", "text/plain"),
        (200, "<html>Just a moment</html>", "text/html"),
        (200, '{"state": ', "application/json"),
        (200, "null", "application/json"),
        (200, '{"created_at": "yesterday"}', "application/json"),
    ],
)
def test_an_answer_that_is_none_is_waited_out_too(submit, api, keep, status, body, kind):
    keep(verdict="unchanged")
    api.once("/runs/run-1", status, body, kind)
    result = submit()
    assert result.exit_code == 0, result.output
    assert len(api.sent("GET", "/runs/run-1")) == 2


@pytest.mark.parametrize("stages", [{"Trainer": "RUNNING"}, {}])
def test_a_token_that_ends_while_waiting_ends_the_waiting_and_says_how_to_go_on(submit, api, stages):
    def expired(run):
        ended(run, "RUNNING", **stages)
        api.token = "another"

    api.at_get_run = expired
    result = submit()
    assert result.exit_code == 2
    assert "refused the token." in result.stderr
    assert "`greenlight submit --run run-1` waits for it again." in result.stderr


def test_a_run_that_the_host_does_not_know_is_told_as_the_host_tells_it(submit, api):
    result = submit("--run", "run-9")
    assert result.exit_code == 2
    assert (
        result.stderr
        == f"Error: {api.url} does not have this object. It says: /apis/v2beta1/runs/run-9 not found.\n"
    )


def test_a_run_is_not_started_twice_when_the_answer_is_an_error(submit, api):
    api.once("/runs", 500)
    result = submit()
    assert result.exit_code == 1
    assert "has an internal error (500)." in result.stderr
    assert len(api.sent("POST", "/runs")) == 1


@pytest.mark.parametrize(
    ("status", "body", "code", "said"),
    [
        (404, None, 2, "does not have this object."),
        (
            400,
            error_body(3, "the name is too long"),
            2,
            "refuses the request (400). It says: the name is too long",
        ),
        (
            400,
            error_body(3, "one line\n  and another"),
            2,
            "refuses the request (400). It says: one line and another\n",
        ),
        (429, None, 1, "limits the rate of requests. Try again later. It says: as the test asked for"),
        (200, "[]", 1, "does not answer as Kubeflow Pipelines does (it does not send a JSON object)"),
        (
            200,
            "<html>Sign in</html>",
            1,
            "does not answer as Kubeflow Pipelines does (it sends text/html, not JSON)",
        ),
    ],
)
def test_what_the_host_answers_is_told_in_a_sentence(submit, api, status, body, code, said):
    api.once("/healthz", status, body, "text/html" if body and "<html>" in body else "application/json")
    result = submit()
    assert (result.exit_code, said in result.stderr) == (code, True), result.output
    assert "Traceback" not in result.output


def test_a_host_that_says_nothing_is_not_waited_for_longer_than_it_may_take(submit):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://localhost:{silent.getsockname()[1]}"
        result = submit(api__host=url, api__request_seconds="0.05")
    assert result.exit_code == 1
    assert f"{url} did not answer within 0.05 s (kubeflow.api.request_seconds)." in result.stderr


def test_an_answer_that_comes_byte_by_byte_is_no_answer_in_time(submit, api):
    def drip(handler):
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(1000):
                handler.wfile.write(b" ")
                time.sleep(0.02)

    api.faults.append(("/apis/v2beta1/healthz", drip))
    result = submit(api__request_seconds="0.2")
    assert result.exit_code == 1
    assert f"{api.url} did not answer within 0.2 s (kubeflow.api.request_seconds)." in result.stderr


def test_a_host_that_sends_on_to_a_login_page_is_not_followed(submit, api, monkeypatch):
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
    with serving(Api()) as elsewhere:

        def moved(handler):
            handler.send_response(302)
            handler.send_header("Location", elsewhere.url.replace("localhost", "127.0.0.1") + "/login")
            handler.end_headers()

        api.faults.append(("/apis/v2beta1/healthz", moved))
        result = submit()
    assert result.exit_code == 1
    assert (
        "does not answer as Kubeflow Pipelines does (it redirects to another address): a login "
        "page, perhaps. Give the URL of the API, and a token." in result.stderr
    )
    assert not elsewhere.requests, "the token is for one host alone"


def test_a_host_that_is_not_there_is_named(submit):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://localhost:{gone.getsockname()[1]}"
    result = submit(api__host=url)
    assert result.exit_code == 1
    assert f"{url} cannot be reached (" in result.stderr
