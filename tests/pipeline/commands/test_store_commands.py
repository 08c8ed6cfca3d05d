"""`greenlight versions`, `verify`, `promote`, `rollback` and `prune`, from outside."""

import json
import os
import signal
import threading

import pytest
from click.testing import CliRunner

from pipeline import cli, version_table
from serving.store.manifest import Facts
from serving.versions import VersionStore


@pytest.fixture
def greenlight(tmp_path):
    """Call a command on the workspace `space`."""

    def call(command, *arguments):
        everything = [command, "--workspace", str(tmp_path / "space"), *arguments]
        return CliRunner().invoke(cli.cli, everything, prog_name="greenlight")

    return call


@pytest.fixture
def root(tmp_path):
    return tmp_path / "space" / "serving" / "imdb_sentiment"


@pytest.fixture
def store(root, tmp_path):
    """A store with versions 1 to 3, of accuracy 0.01 to 0.03."""
    store = VersionStore(root)
    for number in (1, 2, 3):
        model = tmp_path / f"model-{number}"
        (model / "variables").mkdir(parents=True)
        (model / "saved_model.pb").write_text(f"model {number}")
        (model / "variables" / "variables.index").write_text("index")
        store.push(model, Facts(metrics={"accuracy": number / 100}, run_id=f"run-{number}"))
    return store


def test_versions_are_listed_with_state_time_and_accuracy(greenlight, store):
    result = greenlight("versions")
    assert result.exit_code == 0
    header, *rows = [line.split() for line in result.output.splitlines()]
    assert header == ["version", "state", "pushed", "(UTC)", "accuracy", "remarks"]
    assert [(cells[0], cells[1], cells[4]) for cells in rows] == [
        ("3", "live", "0.0300"),
        ("2", "previous", "0.0200"),
        ("1", "older", "0.0100"),
    ]


def test_versions_as_json(greenlight, store, root):
    store.rollback("too slow")
    listed = json.loads(greenlight("versions", "--json").output)
    assert (listed["root"], listed["live"]) == (str(root), 2)
    newest = listed["versions"][0]
    assert (newest["version"], newest["state"], newest["why"]) == (3, "rolled-back", "too slow")
    assert (newest["accuracy"], newest["run"], newest["problems"]) == (0.03, "run-3", [])


def test_damage_shows_in_the_list(greenlight, store, root):
    (root / "3" / "saved_model.pb").write_text("x")
    line = greenlight("versions").output.splitlines()[1]
    assert "DAMAGED: saved_model.pb was truncated: 1 bytes, 7 in the manifest" in line


def test_list_is_a_table_on_a_terminal(store, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    version_table.show_versions(store.versions())
    printed = capsys.readouterr().out
    assert "accuracy" in printed
    assert "0.0300" in printed


def test_empty_workspace_has_no_versions_and_gets_none(greenlight, tmp_path):
    result = greenlight("versions")
    assert result.exit_code == 0
    assert "There is no version in" in result.stderr
    assert json.loads(greenlight("versions", "--json").stdout)["versions"] == []
    assert not (tmp_path / "space").exists()


@pytest.mark.parametrize("command", [["verify"], ["promote", "1"], ["rollback"], ["prune", "--keep", "1"]])
def test_mistyped_workspace_is_refused_and_not_made(greenlight, tmp_path, command):
    result = greenlight(*command)
    assert result.exit_code == 2
    assert "`greenlight run` makes one; --workspace names another place." in result.stderr
    assert not (tmp_path / "space").exists()


def test_history_tells_who_did_what_and_why(greenlight, store):
    store.rollback("too slow")
    last = greenlight("versions", "--history").output.splitlines()[-1].split()
    assert (last[1], last[2], last[4:]) == ("rollback", "3", ["too", "slow"])
    told = json.loads(greenlight("versions", "--history", "--json").output)
    assert [(event["action"], event["version"]) for event in told][-2:] == [("push", 3), ("rollback", 3)]


def test_whole_versions_verify(greenlight, store):
    result = greenlight("verify")
    assert (result.exit_code, result.output) == (0, "version 3: ok\nversion 2: ok\nversion 1: ok\n")


def test_tampered_file_is_named_and_the_exit_code_is_1(greenlight, store, root):
    (root / "2" / "variables" / "variables.index").write_text("INDEX")
    result = greenlight("verify")
    assert result.exit_code == 1
    assert (
        "version 2: variables/variables.index was changed: its sha256 is not the manifest's" in result.output
    )
    told = json.loads(greenlight("verify", "2", "--json").output)
    assert told["ok"] is False
    assert told["versions"][0]["problems"][0]["file"] == "variables/variables.index"
    assert greenlight("verify", "3").exit_code == 0


def test_unknown_version_is_refused(greenlight, store):
    result = greenlight("verify", "9")
    assert result.exit_code == 2
    assert "version 9 is not in" in result.stderr
    assert "there are: 3, 2, 1" in result.stderr


def test_unsigned_version_fails_where_a_key_is_asked_for(greenlight, store, tmp_path):
    result = greenlight("verify", "--public-key", str(tmp_path / "none.pem"))
    assert result.exit_code == 2
    assert "none.pem is not a file: the public key must be a PEM file" in result.stderr


def test_keys_are_taken_from_the_settings(greenlight, store):
    for command in (["verify"], ["rollback"], ["promote", "1"]):
        result = greenlight(*command, "--set", "push.public_key=none.pem")
        assert result.exit_code == 2
        assert "none.pem is not a file: the public key must be a PEM file" in result.stderr
    assert store.live().number == 3


def test_promoted_version_goes_live_under_the_next_number(greenlight, store):
    result = greenlight("promote", "1", "--reason", "it was better")
    assert (result.exit_code, result.output) == (0, "Version 4 is live; it is the model of version 1.\n")
    assert store.history()[-1].why == "it was better"
    assert "promoted from 1" in greenlight("versions").output
    again = json.loads(greenlight("promote", "4", "--json").output)
    assert (again["outcome"], again["version"]) == ("unchanged", 4)


def test_promoting_a_version_that_was_rolled_back_says_so_and_why(greenlight, store):
    greenlight("rollback", "--reason", "too slow")
    result = greenlight("promote", "3")
    assert result.exit_code == 0
    assert result.stdout == (
        "Version 4 is live; it is the model of version 3.\nVersion 3 had been rolled back: too slow.\n"
    )
    assert "No --reason was given" in result.stderr
    assert "No --reason" not in greenlight("promote", "1", "--reason", "it was better").stderr


def test_promoting_as_json_says_what_was_rolled_back(greenlight, store):
    assert json.loads(greenlight("promote", "1", "--json").output)["rolled_back"] is None
    greenlight("rollback", "--reason", "too slow")
    assert json.loads(greenlight("promote", "4", "--json").stdout)["rolled_back"] == "too slow"


def test_an_interrupted_rollback_may_be_done_and_says_how_to_find_out(greenlight, store, monkeypatch):
    roll_back = VersionStore.rollback

    def done_and_interrupted(*given, **options):
        roll_back(*given, **options)
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(10)

    monkeypatch.setattr(VersionStore, "rollback", done_and_interrupted)
    result = greenlight("rollback")
    assert (result.exit_code, result.stderr.strip()) == (
        143,
        "Ended by SIGTERM. The version may be rolled back already: `greenlight versions` shows it. A second "
        "rollback without --from goes back one version more.",
    )
    assert store.live().number == 2


def test_rollback_makes_the_previous_version_live(greenlight, store):
    result = greenlight("rollback", "--from", "3", "--reason", "too slow")
    assert (result.exit_code, result.output) == (0, "Version 2 is live; version 3 was rolled back.\n")
    again = greenlight("rollback", "--from", "3")
    assert again.output == "Version 3 was rolled back before; version 2 is live.\n"
    assert json.loads(greenlight("rollback", "--json").output) == {
        "rolled_back": 2,
        "live": 1,
        "changed": True,
    }


def test_rollback_without_a_good_version_left_fails(greenlight, store):
    greenlight("prune", "--keep", "1")
    result = greenlight("rollback")
    assert result.exit_code == 1
    assert "there is no good version below 3 to roll back to" in result.stderr
    assert "Traceback" not in result.output + result.stderr


def test_prune_keeps_the_newest(greenlight, store):
    assert greenlight("prune", "--keep", "2").output == "Deleted: 1.\n"
    assert greenlight("prune", "--keep", "2").output == "Nothing to delete.\n"
    assert json.loads(greenlight("prune", "--keep", "1", "--json").output) == {"removed": [2], "kept": [3]}


def test_prune_keeps_at_least_one(greenlight, store):
    result = greenlight("prune", "--keep", "0")
    assert result.exit_code == 2
    assert "keep = 0: at least 1 version is kept, because the live one always is" in result.stderr


def test_another_models_store_is_found_by_its_name(greenlight, store, root):
    root.rename(root.parent / "other")
    assert greenlight("versions", "--set", "model_name=other").output.splitlines()[1].startswith("3  ")
