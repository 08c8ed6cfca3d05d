"""`greenlight retrain` from outside: what it prints, its exit codes, and how it ends when it is told to."""

import json
import os
import signal
import subprocess
from pathlib import Path

import processes
import pytest

ROOT = Path(__file__).parents[3]


def test_with_nothing_to_do_it_says_so_and_ends_with_0(greenlight):
    result = greenlight("retrain")
    assert result.exit_code == 0
    assert result.stdout.endswith("  nothing: data.source has no span, and no other trigger applies\n")


def test_json_is_the_decision_with_its_exit_code(greenlight):
    answer = json.loads(greenlight("retrain", "--json").stdout)
    assert (answer["decision"]["kind"], answer["before"], answer["exit_code"]) == ("nothing", [], 0)


def test_the_history_is_the_journal_in_words(greenlight):
    greenlight("retrain", "--now", "2026-03-02T03:00Z")
    assert greenlight("retrain", "--history").stdout.splitlines() == [
        "2026-03-02 03:00:00Z  schedule   counts from now on: the first decision",
        "2026-03-02 03:00:00Z  nothing    data.source has no span, and no other trigger applies",
    ]
    kinds = [line["kind"] for line in json.loads(greenlight("retrain", "--history", "--json").stdout)]
    assert kinds == ["watching", "decided"]


def test_a_span_that_no_run_could_read_ends_with_4(greenlight):
    span = Path("workspace/spans/span-1")
    span.mkdir(parents=True)
    (span / "reviews.csv").write_text("stars\n5\n")
    os.utime(span / "reviews.csv", (1, 1))
    result = greenlight("retrain", "--set", f"data.source=files:{span.parent}/span-{{SPAN}}/*.csv")
    assert result.exit_code == 4
    assert "span 1 quarantined: " in result.stdout and "has no column 'label'" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--watch", "--dry-run"], "--watch and --dry-run cannot go together."),
        (["--watch", "--json"], "--watch goes with neither --now nor --json."),
        (["--now", "yesterday"], "--now 'yesterday' is not a time. Write it like 2026-03-01T03:00Z."),
        (["--now", "2026-03-01T03:00"], "--now '2026-03-01T03:00' lacks its time zone."),
        (["--release", "3"], "--release 3 needs --reason TEXT"),
        (["--release", "3", "--reason", "fine"], "Span 3 is not quarantined in"),
        (["--render", "systemd", "--set", "retrain.poll_seconds=5"], "takes its settings from a file"),
        (["--render", "cronjob"], "A CronJob needs an image"),
        (["--reason", "fine"], "--reason goes with --release."),
        (["--reason", "fine", "--dry-run"], "--reason goes with --release."),
        (["--image", "a"], "--image goes with --render cronjob."),
        (["--claim", "a"], "--claim goes with --render cronjob."),
        (["--every", "* * * * *", "--render", "systemd"], "--every goes with --render cronjob."),
        (["--release", "0", "--watch"], "--watch and --release cannot go together."),
        (["--render", "cronjob", "--image", "a", "--claim", "A_b"], "--claim 'A_b' is not a name that Kuber"),
    ],
)
def test_a_mistake_is_answered_with_code_2(greenlight, arguments, message):
    result = greenlight("retrain", *arguments)
    assert (result.exit_code, message in result.stderr) == (2, True), result.stderr


def test_a_dry_run_where_nobody_ever_decided_leaves_no_lock(greenlight):
    assert greenlight("retrain", "--dry-run").exit_code == 0
    assert not Path("workspace/retraining").exists()


def test_a_unit_can_be_rendered_and_leaves_nothing_behind(greenlight):
    result = greenlight("retrain", "--render", "systemd")
    assert result.stdout.startswith("[Unit]\nDescription=Retrain imdb_sentiment")
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(("told", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_watcher_that_is_told_to_end_ends_with_words(tmp_path, told, code):
    process = subprocess.Popen(
        [*processes.GREENLIGHT, "retrain", "--watch", "--set", "retrain.poll_seconds=60"],
        cwd=tmp_path,
        env=processes.environment(PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert "nothing: data.source has no span" in process.stdout.readline()
    process.send_signal(told)
    rest, _ = process.communicate(timeout=120)
    assert (process.returncode, rest) == (code, "Stopped.\n")


def test_two_watchers_do_not_share_a_workspace(greenlight):
    from pipeline.retraining.paths import Paths
    from pipeline.workspace.layout import Workspace

    workspace = Workspace.at(Path("workspace"))
    workspace.create()
    with Paths(workspace).exclusively():
        result = greenlight("retrain", "--watch")
    assert result.exit_code == 1
    assert "Another `greenlight retrain` is running in" in result.stderr
