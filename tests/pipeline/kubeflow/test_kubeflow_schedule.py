"""`greenlight schedule` with kfp's own client, against a stand-in for Kubeflow Pipelines' API."""

import json

import pytest
from click.testing import CliRunner

from pipeline import cli
from pipeline.kubeflow.schedules import six_fields


@pytest.fixture
def schedule(api, without_compiling):
    settings = {"image": "an/image:1", "pipeline_root": "gs://bucket/root", "api.host": api.url}
    flags = [part for key, value in settings.items() for part in ("--set", f"kubeflow.{key}={value}")]
    return lambda *options: CliRunner().invoke(
        cli.cli, ["schedule", *flags, *options], prog_name="greenlight"
    )


def test_a_schedule_is_a_recurring_run_of_the_uploaded_version(schedule, api):
    result = schedule("--cron", "30 3 * * 1", "--param", "min_accuracy=0.9")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Scheduled imdb-sentiment for 30 3 * * 1 UTC, version imdb-sentiment-")
    (sent,) = api.sent("POST", "/recurringruns")
    assert sent.body["trigger"]["cron_schedule"]["cron"] == "0 30 3 * * 1"
    assert sent.body["mode"] == "ENABLE"
    assert (sent.body["max_concurrency"], sent.body["no_catchup"]) == (1, True)
    assert sent.body["runtime_config"]["parameters"] == {"min_accuracy": 0.9}
    assert sent.body["pipeline_version_reference"]["pipeline_version_id"] == "version-2"


def test_a_schedule_of_the_same_name_is_replaced_after_the_new_one_is_there(schedule, api):
    schedule("--cron", "0 3 * * *")
    schedule("--cron", "0 3 * * *", "--name", "another")
    result = schedule("--cron", "0 4 * * *")
    assert result.stdout.rstrip().endswith("It replaces the one before.")
    crons = {row["display_name"]: row["trigger"]["cron_schedule"]["cron"] for row in rows(api)}
    assert crons == {"another": "0 0 3 * * *", "imdb-sentiment": "0 0 4 * * *"}
    order = [each.method for each in api.requests if each.path.startswith("/apis/v2beta1/recurringruns")]
    assert order.index("DELETE") > len(order) - 2


def rows(api):
    return list(api.tables["schedules"].values())


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
        row = rows(api)[0] | {"recurring_run_id": f"schedule-{number}", "display_name": f"s{number}"}
        api.tables["schedules"][f"schedule-{number}"] = row
    assert len(json.loads(schedule("--json").stdout)) == 130


def test_paused_resumed_deleted(schedule, api):
    schedule("--cron", "0 3 * * *")
    assert schedule("--pause", "imdb-sentiment").stdout == "Paused imdb-sentiment.\n"
    assert [row["status"] for row in rows(api)] == ["DISABLED"]
    assert schedule("--resume", "schedule-1").stdout == "Resumed imdb-sentiment.\n"
    assert [row["status"] for row in rows(api)] == ["ENABLED"]
    assert schedule("--delete", "imdb-sentiment").stdout == "Deleted imdb-sentiment.\n"
    assert rows(api) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--pause", "nightly"), "There is no schedule 'nightly' in greenlight. There are: none."),
        (("--pause", "a", "--delete", "a"), "Give one of --cron, --pause, --resume and --delete."),
        (("--cron", "every night"), "--cron 'every night': it has 2 fields, not five."),
        (("--cron", "0 25 * * *"), "--cron '0 25 * * *': "),
        (("--cron", "0 3 * * *", "--param", "floor=1"), "--param floor=1: expected NAME=VALUE"),
    ],
)
def test_a_mistake_is_answered_in_words_with_code_2_and_changes_nothing(schedule, api, options, said):
    result = schedule(*options)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not api.sent("POST", "/recurringruns")


@pytest.mark.parametrize("cron", ["0 3 * * *", "*/15 8-18 * * 1-5", "0 0 1 1 *"])
def test_seconds_are_put_in_front(cron):
    assert six_fields(cron) == f"0 {cron}"
