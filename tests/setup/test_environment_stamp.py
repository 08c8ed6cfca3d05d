"""When setup.sh makes the environment, when it brings it up to date, and when it does nothing."""

import shutil
import signal
import subprocess

import pytest
from waiting import until

MADE = "python -m venv"


@pytest.fixture
def ready(machine):
    """A machine on which the environment was made."""
    machine.add_python("python3.11", "3.11.9")
    done = machine.setup()
    assert done.returncode == 0, done.stderr
    return machine


def made_anew(machine) -> bool:
    return any(note.startswith(MADE) for note in machine.notes)


def test_every_package_is_installed_by_hash(ready):
    assert [note.split(" [")[0] for note in ready.notes] == [
        f"python -m venv {ready.checkout}/.venv",
        "python -m pip install --quiet --quiet --disable-pip-version-check --no-deps --require-hashes "
        "--only-binary :all: -r requirements/uv.txt",
        f"uv pip sync --quiet --python {ready.checkout}/.venv/bin/python --require-hashes "
        "--build-constraints requirements/tfx-1.16.txt requirements/tfx-1.16.txt",
        f"uv pip install --quiet --python {ready.checkout}/.venv/bin/python --offline --no-deps "
        "--no-build-isolation --editable .",
    ]


def test_byte_code_is_written_where_python_would_write_none_by_itself(machine, ready):
    assert not any("imports" in note for note in ready.notes), "the first run writes it"
    ready.forget()
    shutil.rmtree(ready.checkout / ".venv")
    assert ready.setup(PYTHONDONTWRITEBYTECODE="1").returncode == 0
    imports = [note for note in ready.notes if note.startswith("imports")]
    assert len(imports) == 2 and all(note.endswith("; writes byte code") for note in imports)
    assert any("tensorflow" in note.split() for note in imports)


def test_how_the_command_gets_on_the_path_is_said_only_where_it_is_not_there(machine):
    machine.add_python("python3.11", "3.11.9")
    hint = "export PATH=" + str(machine.checkout).replace(" ", "\\ ") + "/.venv/bin:$PATH"
    assert hint in machine.setup().stdout
    shutil.rmtree(machine.checkout / ".venv")
    machine.add("greenlight")
    assert hint not in machine.setup().stdout


def test_what_only_tests_use_is_added_for_them_and_kept_by_later_updates(ready):
    ready.forget()
    done = ready.setup("--tests")
    assert done.returncode == 0 and not made_anew(ready)
    sync = next(note for note in ready.notes if note.startswith("uv pip sync"))
    assert "requirements/tfx-1.16.txt requirements/tests-1.16.txt [" in sync
    assert any(f"--target {ready.checkout}/.venv/schemas" in note for note in ready.notes)
    ready.forget()
    assert ready.setup().returncode == 0 and ready.setup("--tests").returncode == 0
    assert ready.notes == [], "a run does not take the tests' packages away"
    with (ready.checkout / "requirements/tfx-1.16.txt").open("a") as lock:
        lock.write("# one more\n")
    assert "Bringing" in ready.setup().stdout
    assert any("requirements/tests-1.16.txt" in note for note in ready.notes)


def test_a_server_gets_its_own_packages_and_needs_no_compiler(machine):
    machine.add_python("python3.11", "3.11.9")
    (machine.bin / "c++").unlink()
    done = machine.setup("--serve")
    assert (done.returncode, done.stderr) == (0, "")
    synchronized = next(note for note in machine.notes if note.startswith("uv pip sync"))
    assert "requirements/serve-1.16.txt requirements/serve-1.16.txt [" in synchronized
    assert not any("tfx-1.16" in note or "tests" in note for note in machine.notes)
    machine.forget()
    assert machine.setup("--serve").returncode == 0 and machine.notes == []


def test_an_environment_for_a_server_becomes_one_for_runs_and_back(ready):
    ready.setup("--tests")
    ready.forget()
    assert ready.setup("--serve").returncode == 0
    assert not any("tests-1.16" in note for note in ready.notes)
    ready.forget()
    assert ready.setup().returncode == 0 and not made_anew(ready)
    assert any("requirements/tfx-1.16.txt" in note for note in ready.notes)
    assert not any("serve-1.16" in note for note in ready.notes)


@pytest.mark.parametrize("choice", ["TEXT", "GPU"])
@pytest.mark.parametrize("before", ["", "--serve", "--tests"])
def test_a_later_update_of_a_server_keeps_what_was_chosen(machine, before, choice):
    machine.add_python("python3.11", "3.11.9")
    assert machine.setup(*filter(None, [before]), **{choice: "1"}).returncode == 0
    machine.forget()
    assert machine.setup("--serve").returncode == 0
    added = any(f"requirements/{choice.lower()}-1.16.txt" in note for note in machine.notes)
    assert machine.notes == [] if before == "--serve" else added
    assert not any("tests-1.16" in note for note in machine.notes)


def test_headers_of_tensorflow_are_left_out(ready):
    headers = ready.checkout / ".venv/lib/python3.11/site-packages/tensorflow/include"
    headers.mkdir(parents=True)
    (headers / "a.h").touch()
    ready.setup("--serve")
    assert headers.parent.is_dir() and not headers.exists()


def test_tensorflow_with_cuda_is_a_choice_that_stays(ready):
    ready.forget()
    assert ready.setup(GPU="1").returncode == 0
    commands = [note.split(" [")[0] for note in ready.notes]
    removed = commands.index(
        f"uv pip uninstall --quiet --python {ready.checkout}/.venv/bin/python tensorflow-cpu"
    )
    added = next(n for n, command in enumerate(commands) if command.endswith("-r requirements/gpu-1.16.txt"))
    assert removed < added
    ready.forget()
    assert ready.setup().returncode == 0 and ready.notes == []


def test_tensorflow_with_cuda_is_refused_where_there_is_none(machine):
    machine.add_python("python3.11", "3.11.9")
    refused = machine.setup(GPU="1", GREENLIGHT_PLATFORM="Darwin arm64")
    assert refused.returncode == 2
    assert "GPU=1 is for Linux" in refused.stderr


@pytest.mark.parametrize("mode", ["", "--serve"])
def test_tensorflow_text_is_a_choice_that_stays(machine, mode):
    machine.add_python("python3.11", "3.11.9")
    assert machine.setup(*filter(None, [mode]), TEXT="1").returncode == 0
    commands = [note.split(" [")[0] for note in machine.notes]
    synchronized = next(n for n, command in enumerate(commands) if command.startswith("uv pip sync"))
    added = next(n for n, command in enumerate(commands) if command.endswith("-r requirements/text-1.16.txt"))
    assert synchronized < added and "--no-deps" in commands[added]
    machine.forget()
    assert machine.setup(*filter(None, [mode]), TEXT="1").returncode == 0 and machine.notes == []
    assert machine.setup(*filter(None, [mode])).returncode == 0 and machine.notes == []


def test_tfx_1_21_needs_no_wheel_that_refuses(machine):
    machine.add_python("python3.13", "3.13.1")
    assert machine.setup(GREENLIGHT_GLIBC="2.41").returncode == 0
    assert any("requirements/tfx-1.21.txt" in note for note in machine.notes)
    assert not any("1.16" in note for note in machine.notes)


def test_a_ready_environment_is_left_alone(ready):
    ready.forget()
    done = ready.setup()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert ready.notes == []
    assert ready.explain()["environment"].endswith("(ready)")


def test_a_changed_lock_is_synchronized_into_the_same_environment(ready):
    with (ready.checkout / "requirements/tfx-1.16.txt").open("a") as lock:
        lock.write("# one more\n")
    ready.forget()
    assert "Bringing" in ready.setup().stdout
    assert not made_anew(ready)
    assert any(note.startswith("uv pip sync") for note in ready.notes)


def test_a_failed_installation_is_never_taken_for_a_ready_one(machine):
    machine.add_python("python3.11", "3.11.9")
    failed = machine.setup(UV_FAILS="1")
    assert failed.returncode != 0
    assert "no space left" in failed.stderr
    machine.forget()
    assert machine.setup().returncode == 0
    assert made_anew(machine)


def wait_for_uv(machine):
    """Until the installation has begun; it then waits for its gate."""
    until(lambda: any(note.startswith("uv") for note in machine.notes))


def test_an_interrupted_installation_starts_anew(machine):
    machine.add_python("python3.11", "3.11.9")
    gate = machine.home / "gate"
    process = machine.start(UV_WAITS_FOR=str(gate))
    wait_for_uv(machine)
    process.send_signal(signal.SIGKILL)
    gate.touch()  # for the uv that outlives it
    process.communicate()
    machine.forget()
    assert machine.setup().returncode == 0
    assert made_anew(machine)


def test_two_at_once_install_once(machine):
    machine.add_python("python3.11", "3.11.9")
    gate = machine.home / "gate"
    first = machine.start(UV_WAITS_FOR=str(gate))
    wait_for_uv(machine)
    second = machine.start(UV_WAITS_FOR=str(gate))
    assert "is at work" in second.stdout.readline()
    gate.touch()
    outputs = [process.communicate(timeout=300)[0] for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0]
    assert sum(note.startswith(MADE) for note in machine.notes) == 1
    assert "is at work" not in "".join(outputs)


def test_a_setup_that_begins_while_another_makes_the_folder_waits_for_it(machine):
    machine.add_python("python3.11", "3.11.9")
    environment = machine.checkout / ".venv"
    environment.mkdir()
    # The other one creates its lock between two looks at the folder of this one.
    (machine.bin / "ls").unlink()
    machine.add("ls", f'#!/bin/sh\n: >>"{environment}/.greenlight-lock"\n{shutil.which("ls")} "$@"\n')
    done = machine.setup()
    assert (done.returncode, done.stderr) == (0, "")
    assert made_anew(machine)


def test_a_moved_checkout_gets_a_new_environment(ready, tmp_path):
    moved = tmp_path / "elsewhere"
    shutil.move(ready.checkout, moved)
    ready.checkout = moved
    ready.forget()
    assert ready.explain()["environment"] == f"{moved}/.venv (to be updated)"
    assert "Setting up" in ready.setup().stdout


def test_a_python_that_vanished_is_replaced(ready):
    (ready.checkout / ".venv/bin/python").unlink()
    ready.forget()
    assert ready.setup().returncode == 0
    assert made_anew(ready)


def test_another_python_asked_for_by_name_makes_it_anew(ready):
    mine = ready.add_python("mine", "3.11.5")
    ready.forget()
    assert ready.setup(PYTHON=str(mine)).returncode == 0
    assert made_anew(ready)
    ready.forget()
    assert ready.setup(PYTHON=str(mine)).returncode == 0
    assert ready.setup().returncode == 0
    assert ready.notes == []


@pytest.mark.parametrize("folder", [".venv", "made in a hurry"])
def test_an_update_keeps_the_python_that_was_asked_for_by_name(machine, folder):
    given = {"GREENLIGHT_GLIBC": "2.41", "VENV": folder}
    machine.add_python("python3.13", "3.13.1")
    mine = machine.add_python("mine", "3.11.5")
    assert machine.setup(**given, PYTHON=str(mine)).returncode == 0
    with (machine.checkout / "requirements/tfx-1.21.txt").open("a") as lock:
        lock.write("# one more\n")
    machine.forget()
    assert machine.explain(**given)["python"] == f"3.11.5 {mine}"
    assert "Bringing" in machine.setup(**given).stdout
    assert not made_anew(machine)
    mine.unlink()
    assert machine.explain(**given)["python"] == f"3.13.1 {machine.bin / 'python3.13'}"


@pytest.mark.parametrize("folder", ["in here", "/elsewhere/an environment"])
def test_venv_says_where(machine, tmp_path, folder):
    machine.add_python("python3.11", "3.11.9")
    venv = f"{tmp_path}{folder}" if folder.startswith("/") else folder
    assert machine.setup(VENV=venv).returncode == 0
    assert (machine.checkout / venv / "bin/greenlight").exists()
    assert not (machine.checkout / ".venv").exists()


def test_a_mirror_configured_for_pip_serves_uv_too(machine):
    machine.add_python("python3.11", "3.11.9")
    settings = "global.cert='/etc/mirror.pem'\nglobal.index-url='mirror://packages'\n"
    assert machine.setup(PIP_SETTINGS=settings).returncode == 0
    assert any("[index mirror://packages] [cert /etc/mirror.pem]" in note for note in machine.notes)
    machine.forget()
    (machine.checkout / ".venv/.greenlight-stamp").unlink()
    assert machine.setup(PIP_SETTINGS=settings, UV_DEFAULT_INDEX="own://packages").returncode == 0
    assert any("[index own://packages]" in note for note in machine.notes)


def test_clean_takes_the_environment_and_leaves_what_is_not_ours(ready):
    (ready.checkout / "workspace").mkdir()
    foreign = ready.home / "foreign"
    foreign.mkdir()
    for venv in (".venv", str(foreign)):
        subprocess.run(
            [ready.checkout / "requirements/clean.sh"],
            env={**ready.environment, "VENV": venv},
            check=True,
            capture_output=True,
        )
    assert not (ready.checkout / ".venv").exists()
    assert (ready.checkout / "workspace").exists()
    assert foreign.exists()
