"""`greenlight compile` from outside: files, words, exit codes."""

from pathlib import Path

import pytest
from processes import packages_of

from pipeline.commands.kubeflow import compile as command
from pipeline.kubeflow import checks

NEEDED = ("--set", "kubeflow.image=an/image:1", "--set", "kubeflow.pipeline_root=gs://bucket/root")


@pytest.fixture
def without_compiling(monkeypatch):
    """Makes the compilation instant; the file's content tells its format."""
    monkeypatch.setattr(checks, "require_kfp", lambda: None)
    monkeypatch.setattr(command, "compiled", lambda settings, as_json: "json" if as_json else "yaml")


@pytest.mark.parametrize(
    ("options", "name", "content"),
    [
        ((), "pipeline.yaml", "yaml"),
        (("--output", "a.yml"), "a.yml", "yaml"),
        (("--output", "a.json"), "a.json", "json"),
    ],
)
def test_the_name_of_the_file_says_what_is_written(greenlight, without_compiling, options, name, content):
    result = greenlight("compile", *NEEDED, *options)
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"Wrote {name}.\n", "")
    assert Path(name).read_text() == content
    assert [path.name for path in Path().iterdir()] == [name]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "Error: Compiling for Kubeflow needs kubeflow.image and kubeflow.pipeline_root."),
        (
            (*NEEDED, "--output", "a.txt"),
            "Error: --output a.txt: the name has to end in one of .yaml, .yml, .json.",
        ),
        (
            (*NEEDED, "--output", "no/a.yaml"),
            "Error: --output no/a.yaml cannot be written: No such file or directory.",
        ),
        ((*NEEDED, "--embedding", "glov"), "Did you mean 'glove-6b-50d'?"),
        (
            (*NEEDED, "--output", "a.json", "--set", 'kubeflow.volumes={"/models"="a-claim"}'),
            "Error: --output a.json: a .json file is for Vertex AI, which mounts no kubeflow.volumes.",
        ),
        (
            (*NEEDED, "--output", "a.json", "--set", 'kubeflow.pod.labels={"team"="reviews"}'),
            "Error: --output a.json: a .json file is for Vertex AI, which has no kubeflow.pod but its env.",
        ),
        (
            (*NEEDED, "--output", "/dev/null/a.yaml"),
            "Error: --output /dev/null/a.yaml cannot be written: Not a directory. Name another file.",
        ),
        (
            (*NEEDED, "--output", f"{'a' * 300}.yaml"),
            ".yaml cannot be written: File name too long. Name another file.",
        ),
        (
            (*NEEDED, "--output", "a\0.yaml"),
            "cannot be written: embedded null byte. Name another file.",
        ),
        ((*NEEDED, "--output", "."), "Error: --output .: the name has to end in one of .yaml, .yml, .json."),
        (
            (*NEEDED, "--set", "training.strategy=multi_worker"),
            "there is no such setting. Did you mean trainer.strategy?",
        ),
        (
            (*NEEDED, "--source", "files:a.csv"),
            "Error: data.source = 'a.csv': a relative path cannot be found in a pod.",
        ),
    ],
)
def test_a_mistake_is_answered_in_words_with_code_2(greenlight, without_compiling, options, message):
    result = greenlight("compile", *options)
    assert result.exit_code == 2
    assert message in result.stderr
    assert list(Path().iterdir()) == []


def test_a_folder_of_that_name_is_left_alone(greenlight, without_compiling):
    Path("a.yaml").mkdir()
    result = greenlight("compile", *NEEDED, "--output", "a.yaml")
    assert result.exit_code == 2
    assert result.stderr == "Error: --output a.yaml cannot be written: Is a directory. Name another file.\n"
    assert [path.name for path in Path().iterdir()] == ["a.yaml"]


def test_without_kfp_it_ends_with_one_sentence_and_code_1(greenlight, monkeypatch):
    monkeypatch.setattr(checks, "find_spec", lambda name: None)
    result = greenlight("compile", *NEEDED)
    assert result.exit_code == 1
    assert result.stderr.startswith(
        "Error: Compiling for Kubeflow needs the package kfp, which is not installed"
    )
    assert list(Path().iterdir()) == []


def test_mistakes_import_nothing_heavy(tmp_path):
    mistakes = (["compile", "--help"], ["compile"], ["compile", "--output", "a"])
    codes, packages = packages_of(*mistakes, folder=tmp_path)
    assert (codes, packages & {"tensorflow", "tfx", "kfp", "yaml"}) == ([0, 2, 2], set())
