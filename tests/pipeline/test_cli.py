"""The command line from outside: what it answers, on which stream, with which exit code."""

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import processes
import pytest

from components.errors import DataStopped, GreenlightError, InputError
from pipeline import cli
from pipeline.cli import COMMANDS, Entry
from pipeline.exit_codes import EXIT_CODES
from pipeline.results.outcome import RunResult

ROOT = Path(__file__).parents[2]
INTERRUPTED = "Interrupted by Ctrl-C. Nothing is half done: run the command again."
HEAVY = ("tensorflow", "tfx", "apache_beam", "ml_metadata", "numpy", "pandas", "rich")


@pytest.fixture
def command(monkeypatch):
    """Makes `greenlight trial` run a function."""

    def install(function):
        entries = {"Trial": {"trial": Entry("run", "A trial.")}}
        monkeypatch.setattr(cli, "COMMANDS", entries)
        monkeypatch.setattr("pipeline.commands.run.trial", click.command()(function), raising=False)

    return install


@pytest.fixture
def run_result(monkeypatch):
    """Makes `greenlight run` end with a result, or with an error, without running anything."""
    calls = []

    def install(outcome):
        class Runner:
            @staticmethod
            def run(settings, **options):
                calls.append((settings, options))
                if isinstance(outcome, Exception):
                    raise outcome
                return outcome

        monkeypatch.setitem(sys.modules, "pipeline.engine.local_runner", Runner)
        monkeypatch.setattr("pipeline.engine.local_runner", Runner, raising=False)
        return calls

    return install


# --- help


def test_help_lists_every_command_under_its_section_and_the_exit_codes(greenlight):
    result = greenlight("--help")
    assert result.exit_code == 0
    here = cli.cli.entries()
    for section, commands in COMMANDS.items():
        assert (f"\n{section}:\n" in result.output) == bool(commands.keys() & here)
    for name, entry in here.items():
        assert f"\n  {name} " in result.output
        assert entry.help in result.output
    for line in EXIT_CODES.splitlines()[1:]:
        assert line.strip() in result.output


def test_h_is_help_and_no_arguments_are_help_too(greenlight):
    assert greenlight("-h").output == greenlight("--help").output
    result = greenlight()
    assert result.exit_code == 2
    assert "Usage: greenlight" in result.output


def test_the_list_says_of_a_command_what_its_own_help_says():
    context = click.Context(cli.cli)
    for name, entry in cli.cli.entries().items():
        command = cli.cli.get_command(context, name)
        assert command.name == name
        assert command.get_short_help_str(200) == entry.help, name


LIGHT = (["--help"], ["run", "--help"], ["runn"], ["run", "--bogus"])
ONLY_SETTINGS = (
    ["run", "--set", "trainer.batch_size=0"],
    ["run", "--config", "no.toml"],
    ["run", "--embedding", "glov"],
    ["config", "show"],
    ["config", "explain", "trainer.epochs"],
    ["embeddings"],
    ["runs"],
    ["verdict"],
)


@pytest.mark.parametrize(("commands", "unwanted"), [(LIGHT, (*HEAVY, "pydantic")), (ONLY_SETTINGS, HEAVY)])
def test_help_mistakes_and_settings_import_nothing_heavy(commands, unwanted, tmp_path):
    _, packages = processes.packages_of(*commands, folder=tmp_path)
    assert not packages & set(unwanted)


# --- errors in the arguments and the settings: code 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["runn"], "There is no command 'runn'. Did you mean 'run'?"),
        (["frobnicate"], "There is no command 'frobnicate'."),
        (["study", "nothing"], "There is no command 'nothing'."),
        (["config", "shows"], "There is no command 'shows'. Did you mean 'show'?"),
        (["run", "--bogus"], "No such option"),
        (["run", "--epochs", "3"], "No such option '--epochs'. A setting is given as --set KEY=VALUE;"),
        (["run", "--embedding", "nnlm"], "Did you mean 'nnlm-en-dim50'?"),
        (["run", "--set"], "requires an argument"),
        (
            ["run", "--set", "trainer.epochs=abc"],
            'trainer.epochs = "abc" (from --set): expected a whole number',
        ),
        (["run", "--preset", "sed"], "There is no preset 'sed'. There is: seed."),
        (["run", "--config", "no.toml"], "The settings file no.toml does not exist."),
        (["run", "--embedding", "glov"], "Did you mean 'glove-6b-50d'?"),
        (["run", "--workspace", ""], 'workspace = "" (from --workspace): may not be empty'),
        (["config", "show", "--set", "x"], "--set 'x' is not KEY=VALUE."),
        (
            ["config", "explain", "trainer.epoch"],
            "There is no setting 'trainer.epoch'. Did you mean trainer.epochs?",
        ),
        (["embed"], "Missing argument 'TEXT...'"),
        (["verdict"], "There is no run in"),
        (["report", "--workspace", "w"], "There is no run in"),
    ],
)
def test_a_mistake_is_answered_in_words_on_standard_error_with_code_2(greenlight, arguments, message):
    result = greenlight(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    "arguments", [["run", "--json", "--bogus"], ["run", "--json", "--set", "trainer.epochs=0"]]
)
def test_with_json_a_mistake_is_one_object_too(greenlight, arguments):
    result = greenlight(*arguments)
    data = json.loads(result.stdout)
    assert (result.exit_code, data["verdict"], data["error_code"]) == (2, "failed", 2)
    assert {"version", "model_path", "run", "metrics", "gate", "epochs", "stages", "seconds"} <= set(data)
    assert data["error"].partition("\n")[0] in result.stderr


@pytest.mark.parametrize(
    ("code", "command"),
    [
        *((0, each) for each in ("runs", "versions", "data list", "retrain --history")),
        *((2, each) for each in ("verdict", "report", "approve --reason x", "verify", "rollback", "drift")),
    ],
)
def test_an_empty_workspace_is_an_empty_list_and_an_error_for_a_command_about_one_thing(
    greenlight, tmp_path, code, command
):
    result = greenlight(*command.split(), "--workspace", str(tmp_path / "none"))
    assert result.exit_code == code, result.output
    assert not (tmp_path / "none").exists()


def test_with_json_a_mistake_in_another_command_is_an_object_with_error_and_code(greenlight):
    data = json.loads(greenlight("verdict", "--json").stdout)
    assert data["exit_code"] == 2
    assert data["error"].startswith("There is no run in")


# --- whatever goes wrong inside a command


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (InputError("No reviews in a.csv."), 2, "Error: No reviews in a.csv.\n"),
        (DataStopped("The labels are empty."), 4, "Error: The labels are empty.\n"),
        (GreenlightError("Another run is under way."), 1, "Error: Another run is under way.\n"),
    ],
)
def test_an_error_for_the_person_is_its_message_and_its_code(greenlight, command, error, code, message):
    def trial():
        raise error

    command(trial)
    result = greenlight("trial")
    assert (result.exit_code, result.stderr) == (code, message)


def test_any_other_error_is_its_root_cause_and_a_file_with_the_traceback(greenlight, command):
    def trial():
        raise RuntimeError("stage failed") from ValueError("bad record")

    command(trial)
    result = greenlight("trial")
    assert result.exit_code == 1
    first, second = result.stderr.splitlines()
    assert first == "Error: ValueError: bad record"
    log = second.removeprefix("The traceback is in ")
    with open(log) as traceback:
        assert "RuntimeError: stage failed" in traceback.read()
    os.remove(log)


def test_ctrl_c_is_one_line_and_code_130(greenlight, command):
    def trial():
        raise KeyboardInterrupt

    command(trial)
    result = greenlight("trial")
    assert (result.exit_code, result.stderr.strip()) == (130, INTERRUPTED)


def test_a_commands_own_code_is_the_exit_code(greenlight, command):
    command(lambda: 3)
    assert greenlight("trial").exit_code == 3
    command(lambda: None)
    assert greenlight("trial").exit_code == 0


def test_a_command_finds_legacy_keras_switched_on(greenlight, command, monkeypatch):
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", "0")
    command(lambda: click.echo(os.environ["TF_USE_LEGACY_KERAS"]))
    assert greenlight("trial").output == "1\n"


# --- as a process


def test_a_reader_that_goes_away_is_no_traceback(tmp_path):
    shell = f"{sys.executable} -m pipeline.cli config explain | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", shell], capture_output=True, text=True, cwd=tmp_path, env=processes.environment()
    )
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] in ("0", "141")


def test_ctrl_c_ends_the_process_though_a_thread_works_on(tmp_path):
    script = (
        "import threading, time, os, signal\nimport click\nfrom pipeline import cli\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a job in the background ignores it
        "def trial():\n"
        "    threading.Thread(target=time.sleep, args=(60,)).start()\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    time.sleep(60)\n"
        "import pipeline.commands.run as module\n"
        "module.trial = click.command()(trial)\n"
        "cli.COMMANDS = {'Trial': {'trial': cli.Entry('run', 'A trial.')}}\n"
        "cli.main()\n"
    )
    done = processes.python("-c", script, "trial", folder=tmp_path)
    assert (done.returncode, done.stderr.strip()) == (130, INTERRUPTED)


def test_ctrl_c_before_the_command_line_is_imported_is_no_traceback(tmp_path):
    script = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "class Finder:\n"
        "    def find_spec(name, path, target=None):\n"
        "        if name == 'click':\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder)\n"
        "from pipeline.entry import main\n"
        "main()\n"
    )
    done = processes.python("-c", script, "--help", folder=tmp_path)
    assert (done.returncode, done.stderr.strip(), done.stdout) == (130, INTERRUPTED, "")


@pytest.mark.parametrize(("package", "arguments"), [("click", ["--help"]), ("pydantic", ["doctor"])])
def test_a_package_that_is_not_installed_is_one_message(tmp_path, package, arguments):
    script = (
        "import sys\n"
        f"sys.modules[{package!r}] = None\n"  # as if it were not installed
        "from pipeline.entry import main\n"
        "main()\n"
    )
    done = processes.python("-c", script, *arguments, folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Error: The Python package {package} is missing in this environment.")
    assert len(done.stderr.splitlines()) == 1 and "tfx116" in done.stderr


def test_the_installed_command_imports_nothing_before_it_can_answer_ctrl_c(tmp_path):
    done = processes.python(
        "-c",
        "import sys; before = set(sys.modules); import pipeline.entry; print(set(sys.modules) - before)",
        folder=tmp_path,
    )
    assert done.stdout.strip() in ("{'pipeline', 'pipeline.entry'}", "{'pipeline.entry', 'pipeline'}")


# --- run


@pytest.mark.parametrize(
    ("verdict", "code"), [("promoted", 0), ("unchanged", 0), ("refused", 3), ("stopped", 4)]
)
def test_run_ends_with_the_summary_and_the_verdicts_code(greenlight, run_result, verdict, code):
    run_result(RunResult(verdict=verdict, seconds=3.0))
    result = greenlight("run")
    assert result.exit_code == code
    assert result.stdout.startswith(f"\n{verdict.upper()}  ")
    assert result.stderr == ""


@pytest.mark.parametrize("code", [1, 2])
def test_a_failed_run_says_the_root_cause_and_the_log_on_standard_error(greenlight, run_result, code):
    run_result(RunResult(verdict="failed", error="OSError: disk full", error_code=code, log="/w/run.log"))
    result = greenlight("run")
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr == "Error: OSError: disk full\nThe log is /w/run.log\n"


@pytest.mark.parametrize("verdict", ["promoted", "unchanged", "refused", "stopped", "failed"])
def test_with_json_the_result_is_the_only_thing_on_standard_output(greenlight, run_result, verdict):
    outcome = RunResult(verdict=verdict, version="1", error="x" if verdict == "failed" else None)
    run_result(outcome)
    result = greenlight("run", "--json")
    assert json.loads(result.stdout) == outcome.to_json()
    assert result.exit_code == outcome.exit_code


def test_with_json_an_error_that_stops_the_run_before_it_starts_is_an_object_too(greenlight, run_result):
    run_result(InputError("The workspace w cannot be used: it is a file."))
    result = greenlight("run", "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"] == "The workspace w cannot be used: it is a file."


def test_the_options_of_run_arrive_as_one_settings_object(greenlight, run_result, tmp_path):
    calls = run_result(RunResult(verdict="promoted"))
    (tmp_path / "my.toml").write_text("[trainer]\nepochs = 3\npatience = 2\n")
    greenlight(
        "run", "--config", "my.toml", "--workspace", "w", "--source", "files:a.csv", "--embedding",
        "nnlm-en-dim50", "--preset", "seed", "--set", "trainer.epochs=4", "--no-cache",
    )  # fmt: skip
    ((settings, options),) = calls
    assert str(settings.workspace) == "w"
    assert (settings.data.source, settings.data.test_weight) == ("files:a.csv", 0)
    assert (settings.trainer.epochs, settings.trainer.patience) == (4, 2)
    assert settings.embedding.name == "nnlm-en-dim50"
    assert options["use_cache"] is False


def test_the_former_profile_option_names_what_replaces_it(greenlight):
    result = greenlight("run", "--profile")
    assert result.exit_code == 2
    assert "py-spy record --subprocesses --format speedscope" in result.stderr


# --- the others


def test_embeddings_lists_the_catalog(greenlight):
    lines = greenlight("embeddings").stdout.splitlines()
    assert lines[0].startswith("glove-6b-50d ")
    assert " 50 numbers  GloVe 6B" in lines[0]
    data = json.loads(greenlight("embeddings", "--json").stdout)
    assert [entry["name"] for entry in data] == [line.split()[0] for line in lines]


def test_doctor_ends_with_1_where_something_fails_and_0_where_nothing_does(greenlight, monkeypatch):
    from pipeline.doctor import Check

    found = [Check("Python", "ok", "3.11"), Check("TF Hub", "warn", "does not answer", "Check the network.")]
    monkeypatch.setattr("pipeline.doctor.examine", lambda **_: iter(found))
    result = greenlight("doctor")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"ok    {'Python':<27} 3.11",
        f"warn  {'TF Hub':<27} does not answer",
        f"{'':<33} -> Check the network.",
        "",
        "This machine is ready.",
    ]
    found.append(Check("disk", "fail", "full", "Free some."))
    assert greenlight("doctor").exit_code == 1
    data = json.loads(greenlight("doctor", "--json").stdout)
    assert data["ok"] is False
    assert [check["status"] for check in data["checks"]] == ["ok", "warn", "fail"]
