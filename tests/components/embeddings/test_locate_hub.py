"""locate() for TF Hub modules, against a server that answers as tfhub.dev does."""

import hashlib
import shutil
import socket
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.embeddings.load import load
from components.embeddings.locate import locate
from components.embeddings.settings import EmbeddingSettings
from components.errors import InputError


@pytest.fixture
def module_url(hub_server, tiny_folder) -> str:
    return hub_server.offer("/google/tiny/1", tiny_folder)


def find(url: str, cache: Path, lines: list[str] | None = None) -> str:
    return locate(
        EmbeddingSettings(name=url), cache_dir=cache, progress=lines.append if lines is not None else None
    )


def assert_works(handle: str) -> None:
    layer = load(handle, name="tiny", trainable=True)
    np.testing.assert_array_equal(layer(tf.constant(["good", ""])), [[4, 40], [0, 0]])


def test_a_module_is_downloaded_once_into_our_cache(module_url, hub_server, tmp_path):
    lines = []
    handle = find(module_url, tmp_path, lines)
    assert Path(handle).parent == tmp_path / "hub"
    assert_works(handle)
    assert find(module_url, tmp_path, lines) == handle
    assert hub_server.requests == ["/google/tiny/1?tf-hub-format=compressed"]
    assert lines == [f"downloading {module_url} (once)"]


def test_the_cache_serves_when_the_hub_is_gone(module_url, hub_server, tmp_path):
    handle = find(module_url, tmp_path)
    hub_server.answers.clear()
    assert find(module_url, tmp_path) == handle
    assert_works(handle)


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "saved_model.pb").unlink(),
        lambda folder: [path.unlink() for path in folder.rglob("*") if path.is_file()],
        lambda folder: (folder / "variables" / "variables.data-00000-of-00001").write_bytes(b"short"),
    ],
    ids=["no graph", "emptied by a cleaner", "truncated variables"],
)
def test_a_broken_cache_heals(module_url, hub_server, tmp_path, damage):
    handle = find(module_url, tmp_path)
    damage(Path(handle))
    assert find(module_url, tmp_path) == handle
    assert_works(handle)
    assert len(hub_server.requests) == 2


def test_a_cache_filled_elsewhere_is_taken_over(module_url, hub_server, tmp_path):
    """Where the network is not: the folder that TF Hub made on another machine, copied here."""
    handle = find(module_url, tmp_path / "online")
    copy = tmp_path / "offline" / "hub" / Path(handle).name
    shutil.copytree(handle, copy)
    hub_server.answers.clear()
    assert find(module_url, tmp_path / "offline") == str(copy)
    assert_works(str(copy))
    (copy / "saved_model.pb").unlink()
    with pytest.raises(InputError, match="HTTP Error 404"):
        find(module_url, tmp_path / "offline")


def test_a_bucket_is_read_in_place(monkeypatch, tmp_path):
    monkeypatch.setattr("tensorflow_hub.resolve", lambda handle: handle)
    assert find("gs://bucket/module", tmp_path) == "gs://bucket/module"


def test_a_download_that_was_killed_does_not_block_the_next(module_url, tmp_path):
    lock = tmp_path / "hub" / (hashlib.sha1(module_url.encode()).hexdigest() + ".lock")
    lock.parent.mkdir()
    lock.write_text("gone.1234.deadbeef")
    assert_works(find(module_url, tmp_path))


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (403, b"", "HTTP Error 403: Forbidden"),
        (404, b"", "HTTP Error 404: Not Found"),
        (200, b"<html>sign in</html>", "does not appear to be a valid module"),
        (200, b"", "does not appear to be a valid module"),
    ],
    ids=["forbidden", "not found", "a login page", "nothing"],
)
def test_a_failed_download_says_why_and_what_to_do(hub_server, tmp_path, status, body, reason):
    url = hub_server.answer("/google/secret/1", status, body)
    with pytest.raises(InputError) as caught:
        find(url, tmp_path)
    message = str(caught.value)
    assert message.startswith(f"The embedding {url} could not be downloaded: ") and reason in message
    assert "unpack it, and set embedding.name to its folder; glove-6b-50d needs no network" in message
    assert "\n" not in message


def test_a_cut_off_archive_is_refused_and_not_kept(hub_server, tiny_folder, tmp_path):
    url = hub_server.offer("/google/tiny/1", tiny_folder)
    ((path, (status, body)),) = hub_server.answers.items()
    hub_server.answers[path] = (status, body[: len(body) // 2])
    with pytest.raises(InputError, match=r"could not be downloaded"):
        find(url, tmp_path)
    hub_server.answers[path] = (status, body)
    assert_works(find(url, tmp_path))


def test_an_archive_without_a_module_is_refused_and_not_kept(hub_server, tmp_path, tiny_folder):
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "readme.txt").write_text("nothing here")
    url = hub_server.offer("/google/odd/1", tmp_path / "text")
    with pytest.raises(InputError, match=r"odd/1 is not a TF Hub module: what it sent has no saved_model.pb"):
        find(url, tmp_path / "cache")
    hub_server.offer("/google/odd/1", tiny_folder)
    assert_works(find(url, tmp_path / "cache"))


def test_no_network_says_why_and_what_to_do(tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/google/tiny/1"
    with pytest.raises(
        InputError, match=r"could not be downloaded: .*Connection refused.* Check the address and the network"
    ):
        find(url, tmp_path)


def test_the_wait_for_the_network_is_only_bounded_while_downloading(module_url, tmp_path):
    find(module_url, tmp_path)
    assert socket.getdefaulttimeout() is None
    shutil.rmtree(tmp_path)
