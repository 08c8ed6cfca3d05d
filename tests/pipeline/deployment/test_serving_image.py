"""What the Dockerfile's check does, run by a shell on a real version."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

DOCKERFILE = Path(__file__).parents[3] / "deploy" / "tensorflow-serving" / "Dockerfile"


@pytest.fixture
def check(store, tmp_path):
    """Runs the Dockerfile's RUN on a copy of version 2."""
    (script,) = re.findall(r"^RUN ((?:.*\\\n)*.*)$", DOCKERFILE.read_text(), flags=re.MULTILINE)
    models = tmp_path / "models"
    shutil.copytree(Path(store.root, "2"), models / "imdb_sentiment" / "2")
    script = script.replace("/models/", f"{models}/")
    (version,) = [one for one in store.versions() if one.number == 2]

    def run(digest=version.digest):
        variables = {
            "MODEL_NAME": "imdb_sentiment",
            "VERSION": "2",
            "DIGEST": digest,
            "PATH": "/usr/bin:/bin",
        }
        return subprocess.run(["sh", "-c", script], env=variables, capture_output=True, text=True)

    run.model = models / "imdb_sentiment" / "2"
    return run


def test_a_version_as_it_was_promoted_becomes_an_image(check):
    built = check()
    assert (built.returncode, built.stderr) == (0, "")


def test_a_changed_file_stops_the_build(check):
    (check.model / "assets" / "words and more.txt").write_text("changed")
    assert check().returncode == 1


def test_a_missing_and_a_further_file_stop_the_build(check):
    (check.model / "extra").write_text("")
    assert check().returncode == 1
    (check.model / "extra").rename(check.model / "saved_model.pb")
    assert check().returncode == 1


def test_another_digest_is_named_beside_the_one_found(check):
    built = check("sha256:0")
    assert built.returncode == 1
    assert re.search(r"The model's digest is sha256:[0-9a-f]{64}, not sha256:0\.", built.stderr)
