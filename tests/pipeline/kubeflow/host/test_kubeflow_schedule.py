"""`greenlight schedule` against a stand-in for Kubeflow Pipelines' API."""

import json
import os
import signal
import threading

import pytest
from kfp_requests import read_cron

from components.errors import InputError
from pipeline.kubeflow.schedules import Schedules, six_fields


def test_a_schedule_is_a_recurring_run_of_the_uploaded_version(schedule, api):
    result = schedule("--cron", "30 3 * * 1", "--param", "min_accuracy=0.9")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Scheduled imdb-sentiment for 30 3 * * 1 UTC, version imdb-sentiment-")
    (sent,) = api.sent("POST", "/recurringruns")
    assert sent.body["trigger"]["cron_schedule"]["cron"] == "0 30 3 * * 1"
    assert sent.body["mode"] == "ENABLE"
    assert (sent.body["max_concurrency"], sent.body["no_catchup"]) == (1, True)
    assert sent.body["runtime_config"]["parameters"] == {"min_accuracy": 0.9}
    assert sent.body["runtime_config"]["pipeline_root"] == "gs://bucket/root"
    assert sent.body["pipeline_version_reference"]["pipeline_version_id"] == "version-2"


def test_a_schedule_of_the_same_name_is_replaced_after_the_new_one_is_there(schedule, api):
    schedule("--cron", "0 3 * * *")
    schedule("--cron", "0 3 * * *", "--name", "another")
    result = schedule("--cron", "0 4 * * *")
    assert result.stdout.rstrip().endswith("It replaces the one before.")
    crons = {row["display_name"]: row["trigger"]["cron_schedule"]["cron"] for row in api.schedules}
    assert crons == {"another": "0 0 3 * * *", "imdb-sentiment": "0 0 4 * * *"}
    order = [each.method for each in api.requests if each.path.startswith("/apis/v2beta1/recurringruns")]
    assert order.index("DELETE") > len(order) - 2


@pytest.mark.parametrize("options", [("--cron", "0 4 * * *"), ("--delete", "imdb-sentiment")])
def test_a_run_that_is_going_on_outlives_its_schedule(schedule, api, options):
    """Its Workflow is owned by the schedule, and Kubernetes deletes what is owned with its owner."""
    schedule("--cron", "0 3 * * *")
    schedule(*options)
    (sent,) = (each for each in api.requests if each.method == "DELETE")
    assert sent.query == {"propagation_policy": "ORPHAN"}


@pytest.mark.parametrize(
    ("options", "method"), [(["--cron", "0 3 * * *"], "set"), (["--delete", "imdb-sentiment"], "delete")]
)
def test_an_interrupted_change_may_be_done_and_it_is_said(schedule, options, method, monkeypatch):
    schedule("--cron", "0 3 * * *")
    change = getattr(Schedules, method)

    def done_and_interrupted(*given):
        change(*given)
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(10)

    monkeypatch.setattr(Schedules, method, done_and_interrupted)
    result = schedule(*options)
    assert (result.exit_code, result.stderr.strip()) == (
        143,
        "Ended by SIGTERM. The cluster may have done it already: `greenlight schedule` lists the schedules.",
    )


def test_the_list_says_when_each_runs_and_whether(schedule, api):
    assert schedule().stderr == "Nothing is scheduled. `greenlight schedule --cron '0 3 * * *'` does.\n"
    schedule("--cron", "0 3 * * *")
    schedule("--cron", "0 5 * * *", "--name", "later")
    assert schedule("--pause", "later").stdout == "Paused later.\n"
    assert schedule().stdout == (
        "imdb-sentiment  0 3 * * *         active  schedule-1\n"
        "later           0 5 * * *         paused  schedule-2\n"
    )
    told = json.loads(schedule("--json").stdout)
    assert [(each["name"], each["state"]) for each in told] == [
        ("imdb-sentiment", "active"),
        ("later", "paused"),
    ]


def test_a_long_list_is_read_to_its_end(schedule, api):
    schedule("--cron", "0 3 * * *")
    for number in range(2, 131):
        row = api.schedules[0] | {"recurring_run_id": f"schedule-{number}", "display_name": f"s{number}"}
        api.tables["schedules"][f"schedule-{number}"] = row
    assert len(json.loads(schedule("--json").stdout)) == 130


def test_a_replaced_schedule_that_was_paused_stays_paused(schedule, api):
    schedule("--cron", "0 3 * * *")
    schedule("--pause", "imdb-sentiment")
    result = schedule("--cron", "0 4 * * *")
    assert result.stdout.rstrip().endswith(
        " It is paused, as the one before was: --resume imdb-sentiment starts it."
    )
    (row,) = api.schedules
    assert (row["trigger"]["cron_schedule"]["cron"], row["status"]) == ("0 0 4 * * *", "DISABLED")


def test_two_of_a_name_are_told_apart_by_their_ids(schedule, api):
    schedule("--cron", "0 3 * * *")
    row = api.schedules[0]
    api.tables["schedules"]["schedule-2"] = row | {"recurring_run_id": "schedule-2"}
    result = schedule("--delete", "imdb-sentiment")
    assert result.exit_code == 2
    assert (
        "There are 2 schedules 'imdb-sentiment'. Name one by its id: schedule-1, schedule-2." in result.stderr
    )
    assert schedule("--delete", "schedule-2").exit_code == 0
    assert [row["recurring_run_id"] for row in api.schedules] == ["schedule-1"]


def test_looking_makes_no_experiment(schedule, api):
    assert (schedule("--json").stdout, api.tables["experiments"]) == ("[]\n", {})
    assert schedule("--pause", "nightly").exit_code == 2
    assert not api.sent("POST", "/experiments")


def test_names_may_be_of_any_script(schedule, api):
    schedule("--set", "kubeflow.api.experiment=Отзывы", "--cron", "0 3 * * *", "--name", "jede Nacht 🌙")
    listed = schedule("--set", "kubeflow.api.experiment=Отзывы", "--json").stdout
    assert [each["name"] for each in json.loads(listed)] == ["jede Nacht 🌙"]
    assert [row["display_name"] for row in api.tables["experiments"].values()] == ["Отзывы"]


def test_a_list_that_cannot_be_read_is_not_taken_for_an_empty_one(schedule, api):
    schedule("--cron", "0 3 * * *")
    api.once("/recurringruns", 200, '{"recurringRuns": [')
    result = schedule("--cron", "0 4 * * *")
    assert result.exit_code == 1
    assert "does not answer as Kubeflow Pipelines does (it does not send a JSON object)" in result.stderr
    assert len(api.schedules) == 1


def test_paused_resumed_deleted(schedule, api):
    schedule("--cron", "0 3 * * *")
    assert schedule("--pause", "imdb-sentiment").stdout == "Paused imdb-sentiment.\n"
    assert [row["status"] for row in api.schedules] == ["DISABLED"]
    assert schedule("--resume", "schedule-1").stdout == "Resumed imdb-sentiment.\n"
    assert [row["status"] for row in api.schedules] == ["ENABLED"]
    assert schedule("--delete", "imdb-sentiment").stdout == "Deleted imdb-sentiment.\n"
    assert api.schedules == []


def test_json_says_what_a_schedule_is_afterwards(schedule):
    made = json.loads(schedule("--cron", "0 3 * * *", "--json").stdout)
    assert (made["name"], made["cron"], made["state"]) == ("imdb-sentiment", "0 0 3 * * *", "active")
    states = [
        json.loads(schedule(f"--{action}", "imdb-sentiment", "--json").stdout)["state"]
        for action in ("pause", "resume", "delete")
    ]
    assert states == ["paused", "active", "deleted"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--pause", "nightly"), "There is no schedule 'nightly' in greenlight. There are: none."),
        (("--pause", "a", "--delete", "a"), "Give one of --cron, --pause, --resume and --delete."),
        (("--cron", "every night"), "--cron 'every night': it has 2 fields, not five."),
        (("--cron", "0 25 * * *"), "--cron '0 25 * * *': "),
        (("--cron", "0 3 * * *", "--param", "floor=1"), "--param floor=1: expected NAME=VALUE"),
        (("--param", "epochs=1"), "--param needs --cron."),
        (("--name", "nightly"), "--name needs --cron."),
    ],
)
def test_a_mistake_is_answered_in_words_with_code_2_and_changes_nothing(schedule, api, options, said):
    result = schedule(*options)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not api.sent("POST", "/recurringruns")


@pytest.mark.parametrize(
    "cron",
    [
        "0 3 * * *",
        "*/15 8-18 * * 1-5",
        "0 0 1 1 *",
        "0,30 3 1-31/2 JAN,jul MON-fri",
        "5/20 * * * sat",
        "0 3 29 2 *",
    ],
)
def test_seconds_are_put_in_front_and_kubeflow_reads_it(cron):
    assert six_fields(cron) == f"0 {cron}"
    read_cron(six_fields(cron))


@pytest.mark.parametrize(
    ("cron", "reason"),
    [
        ("0 3 * * 7", "Kubeflow's Sunday is day 0, not 7"),
        ("0 3 * * 5-7", "Kubeflow's Sunday is day 0, not 7"),
        ("0 3 L * *", "Kubeflow does not support 'L'"),
        ("0 3 LW * *", "Kubeflow does not support 'LW'"),
        ("0 3 * * 5L", "Kubeflow does not support '5L'"),
        ("0 3 * * 1#2", "Kubeflow does not support '1#2'"),
    ],
)
def test_what_cron_knows_and_kubeflow_does_not_is_refused_here(cron, reason):
    with pytest.raises(InputError) as refused:
        six_fields(cron)
    assert str(refused.value).startswith(f"--cron {cron!r}: {reason}. Give minute, hour, ")
    with pytest.raises(ValueError):
        read_cron(f"0 {cron}")


@pytest.mark.parametrize(
    "cron", ["0 0 31 2 *", "@daily", "", "٣ 3 * * *", "0 3 * * FRI-MON", "TZ=UTC 0 3 * * *"]
)
def test_what_is_no_cron_expression_is_refused(cron):
    with pytest.raises(InputError, match="Give minute, hour, day of the month, month and day of the week"):
        six_fields(cron)
