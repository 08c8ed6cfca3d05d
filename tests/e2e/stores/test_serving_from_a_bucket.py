"""`greenlight serve`, `rollback`, `versions` and `predict` with the versions in a bucket."""

import json
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import obstore
import pytest
import waiting

from serving.store.manifest import Facts
from serving.versions import VersionStore

pytestmark = [pytest.mark.proof, pytest.mark.stores, pytest.mark.timeout(1200)]


def save_model(folder: Path, probability: float) -> Path:
    """A SavedModel that answers any text with the same probability."""
    import tensorflow as tf

    class Tiny(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
        def answer(self, text):
            probabilities = tf.fill(tf.shape(text), probability)
            labels = tf.where(probabilities >= 0.5, "positive", "negative")
            return {"probability": probabilities, "label": labels}

    tiny = Tiny()
    tf.saved_model.save(tiny, str(folder), {"serving_default": tiny.answer})
    return folder


def command(workspace: Path, root: str, *words: str) -> list[str]:
    settings = (
        f"workspace={workspace}",
        f"push.serving_root={root}",
        "serve.grpc=false",
        "serve.poll_seconds=0.2",
    )
    options = [word for setting in settings for word in ("--set", setting)]
    return [sys.executable, "-W", "ignore", "-m", "pipeline.cli", *words, *options]


def test_versions_in_a_bucket_are_served_rolled_back_and_predicted_with(bucket, tmp_path):
    root = bucket.address("served")
    store = VersionStore(f"{root}/imdb_sentiment")
    for probability in (0.25, 0.75):
        store.push(save_model(tmp_path / str(probability), probability), Facts())
    log = (tmp_path / "serve.log").open("w+")
    server = subprocess.Popen(
        command(tmp_path / "ws", root, "serve", "--rest-port", "0"),
        env=bucket.environment(),
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        waiting.until(lambda: _address(tmp_path / "serve.log", server), seconds=240)
        url = _address(tmp_path / "serve.log", server)
        assert _probability(url) == 0.75

        def greenlight(*words):
            run = command(tmp_path / "ws", root, *words)
            done = subprocess.run(
                run, env=bucket.environment(), capture_output=True, text=True, timeout=240, check=False
            )
            assert done.returncode == 0, done.stderr
            return done.stdout

        assert json.loads(greenlight("rollback", "--reason", "worse", "--json"))["live"] == 1
        waiting.until(lambda: _probability(url) == 0.25, seconds=240)
        obstore.put(bucket.client, "served/imdb_sentiment/3/saved_model.pb", b"not pushed by anyone")
        waiting.until(lambda: "version refused" in (tmp_path / "serve.log").read_text(), seconds=240)
        assert _probability(url) == 0.25
        assert "2" in greenlight("versions")
        assert "negative" in greenlight("predict", "--version", "1", "A text.")
    finally:
        server.terminate()
        server.wait(60)
        log.close()
    assert "a-secret-of-the-tests" not in (tmp_path / "serve.log").read_text()


def _address(log: Path, server: subprocess.Popen[bytes]) -> str:
    assert server.poll() is None, log.read_text()
    found = re.search(r"rest +(http://\S+)", log.read_text())
    return found[1] if found else ""


def _probability(url: str) -> float:
    body = json.dumps({"instances": ["A text."]}).encode()
    with urllib.request.urlopen(f"{url}:predict", body, timeout=60) as answer:
        (prediction,) = json.load(answer)["predictions"]
    return prediction["probability"]
