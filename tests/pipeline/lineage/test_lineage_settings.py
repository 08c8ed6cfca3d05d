"""Where the lineage is, as the settings tell it: what is refused, and where the password is read."""

import socket
import threading

import pytest

from components.errors import GreenlightError, InputError
from pipeline.config import load, to_toml
from pipeline.workspace.layout import Workspace

URI = "mysql://greenlight@db.example:3307/lineage"


def settings(*assignments):
    return load(assignments=[f"metadata.{each}" for each in assignments])


@pytest.mark.parametrize(("text", "shown"), [("lost it\nSELECT 1", "lost it"), ("", "RuntimeError")])
def test_a_query_that_the_database_does_not_answer_is_one_message(monkeypatch, text, shown):
    lineage = Workspace.of(settings(f"uri={URI}")).metadata
    monkeypatch.setattr(type(lineage), "fault", lambda self, **_: None)  # it can be reached again
    error = lineage.unreadable(RuntimeError(text))
    assert (str(error), error.exit_code) == (f"The lineage store {URI} did not answer a query: {shown}", 1)


def test_without_an_address_it_is_a_file_of_the_workspace(tmp_path):
    workspace = Workspace.of(load(workspace=str(tmp_path)))
    assert str(workspace.metadata) == str(tmp_path / "metadata.sqlite")


def test_the_address_is_kept_and_shown_without_its_defaults():
    given = settings(f"uri={URI}")
    assert str(Workspace.of(given).metadata) == URI
    assert f'uri = "{URI}"' in to_toml(given)
    assert str(Workspace.of(settings("uri=mysql://me@db/lineage")).metadata) == "mysql://me@db:3306/lineage"


@pytest.mark.parametrize(
    "uri",
    [
        "postgres://me@db/lineage",
        "mysql://db/lineage",
        "mysql://me@db",
        "mysql://me@db:x/lineage",
        "lineage.db",
    ],
)
def test_what_is_no_address_of_a_database_is_refused(uri):
    with pytest.raises(InputError, match="expected mysql://USER@HOST:3306/DATABASE"):
        settings(f"uri={uri}")


def test_a_password_in_the_address_is_refused_and_not_repeated():
    with pytest.raises(
        InputError, match=r"a password does not belong here.*metadata\.password_variable"
    ) as told:
        settings("uri=mysql://me:hunter2@db/lineage")
    assert "hunter2" not in str(told.value)


def test_the_password_is_read_from_a_file(tmp_path):
    (tmp_path / "password").write_text("hunter2\n")
    given = settings(f"uri={URI}", f"password_file={tmp_path / 'password'}")
    assert Workspace.of(given).metadata.connection_config().mysql.password == "hunter2"
    assert Workspace.of(given).metadata.shown_config().mysql.password == ""


def test_a_password_file_that_is_not_there_is_named(tmp_path):
    given = settings(f"uri={URI}", f"password_file={tmp_path / 'gone'}")
    with pytest.raises(InputError, match=r"metadata\.password_file .*gone cannot be read: No such file"):
        Workspace.of(given).metadata.connection_config()


def test_there_is_one_password():
    with pytest.raises(InputError, match="set password_variable or password_file, not both"):
        settings("password_variable=A", "password_file=b")


def test_something_else_at_the_address_is_told_from_a_server(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        threading.Thread(target=lambda: listening.accept()[0].sendall(b"HTTP/1.1 400 Bad Request")).start()
        given = load(
            workspace=str(tmp_path), assignments=[f"metadata.uri=mysql://me@127.0.0.1:{port}/lineage"]
        )
        with pytest.raises(GreenlightError, match=r"no MySQL server answers .* \(something else does\)"):
            Workspace.of(given).create()
