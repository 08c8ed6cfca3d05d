"""Lineage on a real MariaDB server: the runs of a workspace, and what goes wrong between the two."""

import json
import os
import shutil
import subprocess
import time

import processes
import pytest
from click.testing import CliRunner

from pipeline import cli
from pipeline.config import load
from pipeline.lineage.runs import RUN_CONTEXT, read_run
from pipeline.workspace.layout import Workspace

pytestmark = pytest.mark.proof

PASSWORD = "correct-horse-7"
SMALL = (
    "infra.enabled=false",
    "data.limit=300",
    "embedding.vocabulary_size=500",
    "trainer.epochs=2",
    "trainer.batch_size=64",
)
PROMOTED = ("gate.min_accuracy=0.1", "gate.min_balanced_accuracy=off", "gate.min_change=-0.9")


class Server:
    """A MariaDB server of the test's own, with a database and a user for it."""

    def __init__(self, root, port: int):
        self.root, self.port = root, port
        self.uri = f"mysql://greenlight@127.0.0.1:{port}/lineage"

    def ask(self, sql: str) -> str:
        server = f"--socket={self.root / 'socket'}"
        client = [
            "mariadb",
            "--no-defaults",
            server,
            "--user=root",
            "--batch",
            "--skip-column-names",
            "-e",
            sql,
        ]
        return subprocess.run(client, check=True, capture_output=True, text=True).stdout

    def is_up(self) -> bool:
        try:
            return self.ask("select 1") == "1\n"
        except subprocess.CalledProcessError:
            return False


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    if not shutil.which("mariadbd") or not shutil.which("mariadb-install-db"):
        pytest.skip("no mariadbd here: apt-get install mariadb-server")
    root = tmp_path_factory.mktemp("mariadb")
    user = ["--user=root"] if os.getuid() == 0 else []
    install = ["mariadb-install-db", "--no-defaults", *user, f"--datadir={root / 'data'}", "--skip-test-db"]
    normal = "--auth-root-authentication-method=normal"
    subprocess.run([*install, normal], check=True, capture_output=True)
    port = processes.free_port()
    places = [f"--datadir={root / 'data'}", f"--socket={root / 'socket'}", f"--pid-file={root / 'pid'}"]
    listening = [f"--port={port}", "--bind-address=127.0.0.1", "--skip-name-resolve"]
    with (root / "log").open("wb") as log:
        process = subprocess.Popen(
            ["mariadbd", "--no-defaults", *user, *places, *listening], stdout=log, stderr=log
        )
    try:
        server = Server(root, port)
        while not server.is_up():
            assert process.poll() is None, (root / "log").read_text()
            time.sleep(0.1)
        server.ask(
            f"create user greenlight@'%' identified by '{PASSWORD}'; create database lineage; "
            "grant all on lineage.* to greenlight@'%'"
        )
        yield server
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def greenlight(monkeypatch, server):
    """Runs a command with the database's password in the environment."""
    monkeypatch.setenv("LINEAGE_PASSWORD", PASSWORD)

    def start(command, *arguments, workspace, uri=server.uri, variable="LINEAGE_PASSWORD"):
        settings = [f"metadata.uri={uri}", f"metadata.password_variable={variable}"] if uri else []
        given = [option for each in settings for option in ("--set", each)]
        return CliRunner().invoke(cli.cli, [command, "--workspace", str(workspace), *given, *arguments])

    return start


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return tmp_path_factory.mktemp("workspace")


def of(workspace, server) -> Workspace:
    at = (
        f"workspace={workspace}",
        f"metadata.uri={server.uri}",
        "metadata.password_variable=LINEAGE_PASSWORD",
    )
    return Workspace.of(load(assignments=at))


def test_a_run_and_its_repetition_are_recorded_there_and_the_password_nowhere(
    greenlight, server, workspace, embedding_cache
):
    settings = [option for each in (*SMALL, *PROMOTED) for option in ("--set", each)]
    arguments = ("--json", *settings, "--set", f"cache_dir={embedding_cache}")
    told = [json.loads(greenlight("run", *arguments, workspace=workspace).stdout) for _ in range(2)]
    assert [each["verdict"] for each in told] == ["promoted", "unchanged"], told
    assert {stage["name"] for stage in told[1]["stages"] if stage["cached"]} >= {"ImdbExampleGen", "Trainer"}
    lineage = of(workspace, server).metadata
    runs = {context.name for context in lineage.open().get_contexts_by_type(RUN_CONTEXT)}
    assert runs == {each["run"] for each in told}
    assert read_run(lineage, told[0]["run"]).output("Trainer", "model").path.is_dir()
    assert not (workspace / "metadata.sqlite").exists()
    assert int(server.ask("select count(*) from lineage.Execution")) > 10
    files = [path for path in workspace.rglob("*") if path.is_file()]
    assert len(files) > 20
    assert [path for path in files if PASSWORD.encode() in path.read_bytes()] == []


def test_commands_read_the_runs(greenlight, workspace):
    listed = json.loads(greenlight("runs", "--json", workspace=workspace).stdout)
    assert [run["verdict"] for run in listed] == ["promoted", "unchanged"]
    assert "accuracy" in greenlight("verdict", workspace=workspace).stdout
    shown = greenlight("config", "show", workspace=workspace)
    assert PASSWORD not in shown.output


def test_a_moved_workspace_finds_its_artifacts(server, workspace, tmp_path, monkeypatch):
    from pipeline.workspace.relocation import relocate_artifacts

    monkeypatch.setenv("LINEAGE_PASSWORD", PASSWORD)
    home, copy = of(workspace, server), of(shutil.copytree(workspace, tmp_path / "copy"), server)
    assert relocate_artifacts(copy) > 5
    assert read_run(copy.metadata).output("Trainer", "model").path.is_relative_to(copy.root)
    assert relocate_artifacts(home) > 5


def refusal(result, code: int) -> str:
    assert PASSWORD not in result.stderr
    return processes.refusal(result, code)


def test_a_workspace_and_its_database_belong_together(greenlight, server, workspace, tmp_path):
    assert refusal(greenlight("run", workspace=tmp_path / "other"), 2) == (
        f"{server.uri} holds the lineage of another workspace. Give this one a database of its own with "
        "metadata.uri, or name that --workspace."
    )
    assert refusal(greenlight("run", workspace=workspace, uri=None), 2) == (
        f"The lineage of the workspace {workspace} is in {server.uri}. Set metadata.uri to it, and "
        "metadata.password_variable as for the run."
    )
    (tmp_path / "artifacts").mkdir()
    assert refusal(greenlight("run", workspace=tmp_path), 2) == (
        f"The artifacts in {tmp_path / 'artifacts'} are numbered by another lineage store. Unset "
        f"metadata.uri, or name another --workspace to keep its lineage in {server.uri}."
    )


def test_a_server_that_is_down(greenlight, tmp_path):
    port = processes.free_port()
    result = greenlight("run", workspace=tmp_path, uri=f"mysql://greenlight@localhost:{port}/lineage")
    assert refusal(result, 1) == (
        f"metadata.uri: no MySQL server answers at 127.0.0.1:{port} (Connection refused). Start it, or "
        "correct the address."
    )


def test_a_wrong_password(greenlight, server, tmp_path, monkeypatch):
    monkeypatch.setenv("WRONG", "guess")
    assert refusal(greenlight("run", workspace=tmp_path, variable="WRONG"), 1) == (
        f"The server of metadata.uri = {server.uri} rejected greenlight: the user or the password "
        "(metadata.password_variable) is wrong, or the user's authentication plugin is not "
        "mysql_native_password."
    )


def test_nothing_but_the_sentence_is_written_where_the_server_refuses(server, tmp_path):
    """ML Metadata's own lines would go past Python, to the descriptor."""
    settings = ["--set", f"metadata.uri={server.uri}", "--workspace", str(tmp_path)]
    done = processes.greenlight("run", *settings)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: The server of metadata.uri = ")
    assert done.stderr.count("\n") == 1


def test_a_password_that_is_not_there(greenlight, tmp_path):
    assert refusal(greenlight("run", workspace=tmp_path, variable="NOWHERE"), 2) == (
        "metadata.password_variable names NOWHERE, which is not set. Export it with the database user's "
        "password."
    )


def test_a_database_that_is_not_there_and_that_the_user_may_not_create(greenlight, server, tmp_path):
    uri = server.uri.replace("/lineage", "/nowhere")
    told = refusal(greenlight("run", workspace=tmp_path, uri=uri), 1)
    assert told.startswith(f"The database of metadata.uri = {uri} does not exist or is closed to this user")
    assert "Access denied" in told and told.endswith("Create it and grant the user all on it.")
