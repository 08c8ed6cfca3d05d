"""Files that a person names: whatever is there, reading it ends."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from components.errors import InputError
from pipeline.settings.layers import read_file
from serving.endpoint.auth import load_keys
from serving.errors import StoreInputError
from serving.machine.named_file import text_of
from serving.settings import ServeSettings


@pytest.fixture(params=["a pipe", "a link to a pipe", "a socket", "a device"])
def endless(request, tmp_path, monkeypatch):
    """A path of which reading would never end, and what it is."""
    monkeypatch.chdir(tmp_path)  # the address of a socket has to be short
    path = tmp_path / "named"
    if request.param == "a device":
        path.symlink_to("/dev/zero")
    elif request.param == "a socket":
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(path.name)
    elif request.param == "a pipe":
        os.mkfifo(path)
    else:
        os.mkfifo(tmp_path / "pipe")
        path.symlink_to(tmp_path / "pipe")
    return path, request.param.removeprefix("a link to ")


def test_what_never_ends_is_refused_by_what_it_is(endless):
    path, what = endless
    with pytest.raises(OSError, match=f"it is {what}, not a file"):
        text_of(path)


def test_settings_and_keys_are_refused_with_their_names(endless):
    path, what = endless
    with pytest.raises(InputError, match=f"settings file .*named cannot be read: it is {what}, not a file"):
        read_file(path)
    with pytest.raises(StoreInputError, match=f"serve.api_keys: .*named cannot be read: it is {what}"):
        load_keys(ServeSettings(api_keys=path))


def test_files_and_the_pipes_of_a_shell_are_read(tmp_path):
    path = tmp_path / "named"
    path.write_text("caf\u00e9", encoding="utf-8")
    assert text_of(path) == "caf\u00e9"
    assert text_of(Path(os.devnull)) == ""
    program = "from pathlib import Path; from serving.machine.named_file import text_of; "
    program += "print(text_of(Path('/dev/stdin')), end='')"
    asked = subprocess.run([sys.executable, "-c", program], input="of a pipe", capture_output=True, text=True)
    assert asked.stdout == "of a pipe"
