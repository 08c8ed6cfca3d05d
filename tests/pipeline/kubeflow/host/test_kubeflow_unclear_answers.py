"""Requests that change something and whose answers do not come through: carried out or not, never twice."""

import json

import pytest

RUNS, SCHEDULES = "/runs", "/recurringruns"


def cut_short(handler, answer):
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(answer) + 100))
    handler.end_headers()
    handler.wfile.write(answer.encode())


def broken_json(handler, answer):
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "1")
    handler.end_headers()
    handler.wfile.write(answer.encode()[:1])


def nothing(handler, answer):
    handler.close_connection = True


def gateway(handler, answer):
    handler.send_response(504)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def gateway_cut_short(handler, answer):
    handler.send_response(502)
    handler.send_header("Content-Length", "100")
    handler.end_headers()


def late(handler, answer):
    """No answer before the client has gone."""
    handler.rfile.read(1)


OVER = [cut_short, broken_json]
"""The host had ended its work when its answer was lost."""
OPEN = [nothing, gateway, gateway_cut_short]
"""The host may still be at work."""


@pytest.fixture
def lose(api):
    """`lose(path, how)`: the next answer for the path is lost; the request is carried out where `done`."""

    def arrange(path, how, *, done):
        def fault(handler):
            answers = [(200, "{}")]
            if done:
                handler.reply = lambda status, text, kind="application/json": answers.append((status, text))
                handler._route(api.requests[-1])
                del handler.reply
            how(handler, answers[-1][1])

        api.faults.append((f"/apis/v2beta1{path}", fault))

    return arrange


@pytest.fixture
def started(submit, keep):
    """`greenlight submit --no-wait`."""
    return lambda **settings: submit("--no-wait", "--json", **settings)


# --- a run


@pytest.mark.parametrize("how", [*OVER, *OPEN])
def test_a_run_that_was_started_is_found_by_its_name(started, api, lose, how):
    lose(RUNS, how, done=True)
    result = started()
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["run"] == "run-1"
    assert len(api.sent("POST", RUNS)) == 1


def test_a_run_whose_answer_comes_too_late_is_found(started, api, lose):
    lose(RUNS, late, done=True)
    result = started(api__request_seconds="2")
    assert result.exit_code == 0, result.output
    assert len(api.sent("POST", RUNS)) == 1


@pytest.mark.parametrize("how", OVER)
def test_a_run_that_is_not_there_after_the_hosts_work_is_started_again(started, api, lose, how):
    lose(RUNS, how, done=False)
    result = started()
    assert result.exit_code == 0, result.output
    first, second = api.sent("POST", RUNS)
    assert first.body == second.body
    assert list(api.tables["runs"]) == ["run-1"]


@pytest.mark.parametrize("how", OPEN)
def test_a_run_that_the_host_may_still_start_is_not_started_again(started, api, lose, how):
    lose(RUNS, how, done=False)
    result = started()
    assert result.exit_code == 1
    (sent,) = api.sent("POST", RUNS)
    assert (
        "The run may have started. 3 lookups did not find it. Before you start another, "
        f"look for {sent.body['display_name']!r} in {api.url}/#/experiments/details/experiment-1; "
        "`greenlight submit --run ID` waits for it." in result.stderr
    )
    assert "Check kubeflow.api.host" not in result.stderr


def test_a_run_that_appears_while_it_is_looked_for_is_found(started, api, lose):
    lose(RUNS, nothing, done=False)

    def appears(handler):
        handler.reply(200, "{}")
        api.new("runs", "run", run_id="run-1", **api.sent("POST", RUNS)[0].body)

    api.faults.append(("/apis/v2beta1/runs", appears))
    result = started()
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["run"] == "run-1"
    assert len(api.sent("POST", RUNS)) == 1


@pytest.mark.parametrize("how", [*OVER, *OPEN])
def test_a_run_that_cannot_be_looked_up_may_have_started(started, api, lose, how):
    lose(RUNS, how, done=True)
    api.once(RUNS, 503)
    result = started()
    assert result.exit_code == 1
    assert "The run may have started. It could not be looked up: " in result.stderr
    assert len(api.sent("POST", RUNS)) == 1


def test_a_host_that_was_never_reached_started_nothing(submit, api, monkeypatch):
    import httpx

    from pipeline.kubeflow import api as connection

    def refuse(self, request, **options):
        if request.method == "POST" and request.url.path.endswith("/runs"):
            raise httpx.ConnectError("refused")
        return send(self, request, **options)

    send = httpx.Client.send
    monkeypatch.setattr(connection.httpx.Client, "send", refuse)
    result = submit("--no-wait")
    assert result.exit_code == 1
    assert result.stderr == f"Error: {api.url} cannot be reached (ConnectError). Check kubeflow.api.host.\n"


def test_runs_that_are_started_within_a_second_have_names_of_their_own(started, api):
    started()
    started()
    names = [row["display_name"] for row in api.tables["runs"].values()]
    assert len(set(names)) == 2


# --- what has a name of its own


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("how", [*OVER, *OPEN])
@pytest.mark.parametrize("path", ["/pipelines/upload", "/pipelines/upload_version", "/experiments"])
def test_uploads_and_experiments_are_made_once(started, api, lose, path, how, done):
    if path == "/experiments":
        api.faults.append(("/apis/v2beta1/experiments", lambda handler: handler.reply(200, "{}")))
    lose(path, how, done=done)
    result = started()
    assert result.exit_code == 0, result.output
    assert [len(api.tables[table]) for table in ("pipelines", "versions", "experiments", "runs")] == [
        1,
        2,
        1,
        1,
    ]


def test_an_upload_that_stays_without_an_answer_is_given_up(started, api, lose):
    for _ in range(3):
        lose("/pipelines/upload", nothing, done=False)
    result = started()
    assert result.exit_code == 1
    assert "closed the connection without an answer" in result.stderr
    assert len(api.sent("POST", "/pipelines/upload")) == 3


# --- a schedule


def answer_the_list_first(api):
    """`--cron` lists the schedules before it makes one, over the same path."""
    api.faults.append(("/apis/v2beta1/recurringruns", lambda handler: handler.reply(200, "{}")))


@pytest.mark.parametrize("how", [*OVER, *OPEN])
def test_a_schedule_that_was_made_is_found(schedule, api, lose, how):
    answer_the_list_first(api)
    lose(SCHEDULES, how, done=True)
    result = schedule("--cron", "0 3 * * *")
    assert result.exit_code == 0, result.output
    assert (len(api.schedules), len(api.sent("POST", SCHEDULES))) == (1, 1)


@pytest.mark.parametrize("how", OVER)
def test_a_schedule_that_is_not_there_after_the_hosts_work_is_made_again(schedule, api, lose, how):
    answer_the_list_first(api)
    lose(SCHEDULES, how, done=False)
    assert schedule("--cron", "0 3 * * *").exit_code == 0
    assert len(api.schedules) == 1


@pytest.mark.parametrize("how", OPEN)
def test_a_schedule_that_may_still_be_made_is_not_made_again(schedule, api, lose, how):
    answer_the_list_first(api)
    lose(SCHEDULES, how, done=False)
    result = schedule("--cron", "0 3 * * *")
    assert result.exit_code == 1
    assert (
        "The schedule may have been made. A lookup did not find it. `greenlight schedule` "
        "lists what there is; the same command again replaces it." in result.stderr
    )
    assert api.schedules == []


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("how", [*OVER, *OPEN])
@pytest.mark.parametrize("action", ["pause", "resume", "delete"])
def test_pausing_resuming_and_deleting_are_done_in_the_end(schedule, api, lose, action, how, done):
    schedule("--cron", "0 3 * * *")
    suffix = {"pause": ":disable", "resume": ":enable", "delete": ""}[action]
    lose(f"{SCHEDULES}/schedule-1{suffix}", how, done=done)
    result = schedule(f"--{action}", "imdb-sentiment")
    assert result.exit_code == 0, result.output
    states = [row["status"] for row in api.schedules]
    assert states == {"pause": ["DISABLED"], "resume": ["ENABLED"], "delete": []}[action]


def test_an_old_schedule_that_stays_beside_the_new_one_is_named(schedule, api):
    schedule("--cron", "0 3 * * *")
    for _ in range(2):
        api.once(f"{SCHEDULES}/schedule-1", 500)
    result = schedule("--cron", "0 4 * * *")
    assert result.exit_code == 1
    assert (
        "The new schedule imdb-sentiment exists (schedule-2), and so does the one before it: "
        "`greenlight schedule --delete schedule-1` deletes it." in result.stderr
    )
