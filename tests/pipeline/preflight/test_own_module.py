"""Commands with a model of the user's own code: what is said before TensorFlow is loaded."""

from pathlib import Path

import pytest

NEEDED = ["kubeflow.image=an/image:1", "kubeflow.pipeline_root=gs://bucket/root"]
COMPILE = ["compile", "--output", "out.yaml", *(part for each in NEEDED for part in ("--set", each))]


@pytest.mark.parametrize("command", [["run"], ["retrain"], COMPILE])
def test_a_file_that_cannot_be_used_ends_the_command(greenlight, command):
    Path("own.py").write_text("def other(): ...\n")
    done = greenlight(*command, "--set", "trainer.module=own.py:build")
    assert done.exit_code == 2
    words = "trainer.module = 'own.py:build': own.py has no function build. It defines: other."
    assert done.stderr.strip().splitlines()[-1] == f"Error: {words}"


@pytest.mark.parametrize(
    ("command", "words"),
    [(["tune"], "`greenlight tune` searches"), (["study", "early-stopping"], "`greenlight study` compares")],
)
def test_what_is_about_the_built_in_model_is_refused_with_the_reason(greenlight, command, words):
    Path("own.py").write_text("def build(texts): ...\n")
    done = greenlight(*command, "--set", "trainer.module=own.py:build")
    assert done.exit_code == 2
    assert f"trainer.module = 'own.py:build': {words} settings of the built-in model" in done.stderr
    assert "--set trainer.module=none" in done.stderr
