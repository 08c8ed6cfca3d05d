"""`greenlight init`: what it writes is used by the next commands, and it writes all of it or nothing."""

import errno
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from processes import GREENLIGHT, environment

from pipeline import config
from pipeline.cli import COMMANDS
from pipeline.project_template import project

FILES = sorted(project.FILES)


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_project_has_its_files_and_its_settings_are_found(greenlight):
    made = greenlight("init")
    assert made.exit_code == 0, made.output
    assert files_in(Path()) == FILES and made.stdout.endswith("next    greenlight run\n")
    shown = greenlight("config", "show")
    assert 'model_name = "my_model"  # greenlight.toml' in shown.stdout
    assert config.load(file=Path("greenlight.toml")) == config.load(assignments=["model_name=my_model"])


AWKWARD = {
    "name": "spam-2.0",
    "source": 'files:a "quoted" [x]/*.csv',
    "text_column": "tex\\t\n#",
    "label_column": "sehr 'gut'\u00fc",
    "min_accuracy": 0.9,
    "repository": "example/greenlight",
}


def test_choices_arrive_as_they_were_given(greenlight):
    given = [part for name, value in AWKWARD.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    made = greenlight("init", "new/folder", *given)
    assert made.exit_code == 0, made.output
    assert "replace OWNER" not in made.stdout and made.stdout.endswith("cd new/folder && greenlight run\n")
    settings = config.load(file=Path("new/folder/greenlight.toml"))
    assert (settings.model_name, settings.gate.min_accuracy) == ("spam-2.0", 0.9)
    data = settings.data
    assert [data.source, data.text_column, data.label_column] == [
        AWKWARD[name] for name in ("source", "text_column", "label_column")
    ]
    assert "repository: example/greenlight\n" in Path("new/folder/.github/workflows/gate.yml").read_text()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("--name", "a/b"), 'model_name = "a/b" (from --name)'),
        (("--source", "elsewhere"), 'data.source = "elsewhere" (from --source)'),
        (("--classes", "ham,ham"), 'data.classes = ["ham", "ham"] (from --classes)'),
        (("--min-accuracy", "1.5"), "1.5 is not in the range 0<=x<=1"),
        (("--repository", "no slash"), "--repository 'no slash' is not OWNER/NAME"),
        (("--repository", "a/b\n  evil: true"), "is not OWNER/NAME"),
        (("--text-column", ""), 'data.text_column = "" (from --text-column)'),
    ],
)
def test_a_choice_that_cannot_be_used_writes_nothing(greenlight, given, message):
    refused = greenlight("init", "new", *given)
    assert refused.exit_code == 2 and message in refused.stderr, refused.output
    assert files_in(Path()) == []


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_there_is_not_replaced(greenlight, name):
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).symlink_to("leads/nowhere")
    refused = greenlight("init")
    assert refused.exit_code == 2 and f"{name} exists already" in refused.stderr
    assert files_in(Path()) == [] and os.readlink(name) == "leads/nowhere"


@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, 1), (errno.ENOTDIR, 2), (errno.EACCES, 2)])
def test_a_project_that_cannot_be_written_leaves_nothing(greenlight, monkeypatch, number, code):
    write = project.write_whole

    def fails_at_the_workflow(path, text):
        if path.suffix == ".yml":
            raise OSError(number, os.strerror(number), str(path))
        write(path, text)

    monkeypatch.setattr(project, "write_whole", fails_at_the_workflow)
    failed = greenlight("init", "new")
    assert failed.exit_code == code and "new" in failed.stderr, failed.output
    assert list(Path().iterdir()) == []


@pytest.fixture
def answered(greenlight, monkeypatch):
    """Runs `greenlight init` in a terminal, with these lines as the answers."""
    from click.testing import CliRunner

    from pipeline.commands.setup import init

    monkeypatch.setattr(init, "_in_terminal", lambda: True)
    return lambda *lines: CliRunner().invoke(init.init, [], input="".join(f"{line}\n" for line in lines))


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        ("ham,spam", ("ham", "spam")),
        ("World, Sports ,Business", ("World", "Sports", "Business")),
        ("auto", "auto"),
        ("", None),
    ],
)
def test_a_terminal_is_asked_each_choice(answered, names, classes):
    asked = answered("stars", "files:r.csv", "", "", names, "0.9", "me/greenlight")
    assert asked.exit_code == 0, asked.output
    settings = config.load(file=Path("greenlight.toml"))
    assert (settings.model_name, settings.data.source) == ("stars", "files:r.csv")
    assert settings.gate.min_accuracy == 0.9 and settings.data.classes == classes


def test_an_answer_that_cannot_be_used_is_asked_for_again(answered):
    asked = answered("a/b", "stars", "", "", "", "ham", "ham,ham", "ham,spam", "2", "0.8", "me", "me/it")
    assert asked.exit_code == 0, asked.output
    errors = [line for line in asked.output.splitlines() if line.startswith("Error: ")]
    for error, words in zip(
        errors,
        [
            'model_name = "a/b" (from --name)',
            "expected two names or more, not 1",
            "'ham' and 'ham' are the same label",
            "2.0 is not in the range 0<=x<=1",
            "'me' is not OWNER/NAME",
        ],
        strict=True,
    ):
        assert words in error
    settings = config.load(file=Path("greenlight.toml"))
    assert (settings.model_name, settings.data.classes) == ("stars", ("ham", "spam"))
    assert settings.gate.min_accuracy == 0.8


def test_files_that_are_still_missing_are_named(greenlight):
    missing = greenlight("init", "first", "--source", "files:reviews/*.csv")
    assert (
        "todo    put your labeled texts where the settings look for them: first/reviews/*.csv\n"
        in missing.stdout
    )
    Path("second/reviews").mkdir(parents=True)
    Path("second/reviews/a.csv").touch()
    assert "put your" not in greenlight("init", "second", "--source", "files:reviews/*.csv").stdout
    assert "put your" not in greenlight("init", "third", "--source", "packaged").stdout
    assert "put your" not in greenlight("init", "fourth", "--source", "files:d/span-{SPAN}/*").stdout


@pytest.mark.parametrize(
    ("source", "said"),
    [("files:reviews/*.csv", True), ("spans", False), ("files:d/span-{SPAN}/*", False), ("packaged", False)],
)
def test_the_readme_says_of_a_source_without_spans_what_retraining_needs(greenlight, source, said):
    assert greenlight("init", "--source", source).exit_code == 0
    assert ('`source = "spans"`' in Path("README.md").read_text()) is said


def test_the_workflow_runs_commands_that_there_are(greenlight):
    greenlight("init")
    workflow = yaml.safe_load(Path(".github/workflows/gate.yml").read_text())
    (job,) = workflow["jobs"].values()
    lines = [line for step in job["steps"] for line in step.get("run", "").splitlines()]
    assert "greenlight run" in lines and any("verdict --md" in line for line in lines)
    names = {name for section in COMMANDS.values() for name in section}
    readme = Path("README.md").read_text().splitlines()
    for line in [*lines, *(line.removeprefix("$ ") for line in readme if line.startswith("$ "))]:
        words = shlex.split(line, comments=True)
        if words[:1] == ["greenlight"]:
            assert words[1] in names, line


@pytest.mark.proof
def test_the_test_of_a_project_passes(greenlight, embedding_cache, monkeypatch):
    greenlight("init")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_pipeline.py"]
    bin_folder = Path("bin").absolute()
    bin_folder.mkdir()
    script = bin_folder / "greenlight"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pipeline.cli "$@"\n')
    script.chmod(0o755)
    variables = environment(
        PATH=f"{bin_folder}{os.pathsep}{os.environ['PATH']}", GREENLIGHT_CACHE_DIR=str(embedding_cache)
    )
    ended = subprocess.run(command, env=variables, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout
    assert not Path("workspace").exists()


def test_a_shell_completes_names_of_settings():
    answer = subprocess.run(
        GREENLIGHT,
        env=environment(
            _GREENLIGHT_COMPLETE="bash_complete",
            COMP_WORDS="greenlight run --set gate.min_ch",
            COMP_CWORD="3",
        ),
        capture_output=True,
        text=True,
    )
    assert "plain,gate.min_change=" in answer.stdout.splitlines()


@pytest.mark.parametrize(
    ("given", "classes"),
    [
        (None, None),
        ("ham,spam", ("ham", "spam")),
        ("business, sports , world", ("business", "sports", "world")),
        ("auto", "auto"),
    ],
)
def test_the_classes_of_a_project_are_those_that_are_given(greenlight, given, classes):
    made = greenlight("init", *(["--classes", given] if given else []))
    assert made.exit_code == 0, made.output
    assert config.load(file=Path("greenlight.toml")).data.classes == classes
    assert ("# classes = " in Path("greenlight.toml").read_text()) == (given is None)


def test_classes_that_cannot_be_names_are_refused_before_anything_is_written(greenlight):
    refused = greenlight("init", "--classes", "ham")
    assert refused.exit_code == 2 and "expected two names or more, not 1" in refused.stderr
    assert list(Path().iterdir()) == []


def test_the_test_of_a_project_shows_both_outputs_of_a_run_that_fails(greenlight):
    greenlight("init")
    assert "ended.stdout + ended.stderr" in Path("tests/test_pipeline.py").read_text()
