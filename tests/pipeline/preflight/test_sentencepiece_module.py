"""Commands with a TF Hub module that needs tensorflow-text, which is not installed: the message, and when."""

import hashlib
import sys
from pathlib import Path

import pytest
from tensorflow.core.protobuf import saved_model_pb2

URL = "https://tfhub.dev/google/universal-sentence-encoder-multilingual/3"


@pytest.fixture
def module(monkeypatch) -> Path:
    """The graph of one, in the current folder."""
    monkeypatch.setitem(sys.modules, "tensorflow_text", None)
    made = saved_model_pb2.SavedModel()
    made.meta_graphs.add().graph_def.library.function.add().node_def.add(name="a", op="SentencepieceOp")
    folder = Path("multilingual")
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(made.SerializeToString())
    return folder


def said(name: str) -> str:
    return (
        f"Error: embedding.name = {name!r} cannot be used: it uses ops of tensorflow-text (SentencepieceOp), "
        "and the package is not installed here. Install tensorflow-text of TensorFlow's version: TEXT=1 make "
        "setup, or the extra text116 or text121 of a wheel."
    )


@pytest.mark.parametrize(
    "command",
    [["run"], ["retrain"], ["tune"], ["study", "early-stopping"], ["embed", "a text"]],
    ids=" ".join,
)
def test_a_command_ends_before_it_begins(greenlight, module, command):
    done = greenlight(*command, "--set", "embedding.name=./multilingual")
    assert (done.exit_code, done.stderr.strip().splitlines()[-1]) == (2, said("./multilingual"))


def test_a_module_that_was_downloaded_before_is_looked_into(greenlight, module):
    shelf = Path("cache/hub")
    shelf.mkdir(parents=True)
    module.rename(shelf / hashlib.sha1(URL.encode(), usedforsecurity=False).hexdigest())
    done = greenlight("run", "--set", "cache_dir=cache", "--set", f"embedding.name={URL}")
    assert (done.exit_code, done.stderr.strip().splitlines()[-1]) == (2, said(URL))
