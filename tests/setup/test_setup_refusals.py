"""What a machine lacks is said in one sentence that names what to install."""

import pytest


def refusal(machine, **environment: str) -> str:
    done = machine.setup(**environment)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert not (machine.checkout / ".venv").exists()
    return done.stderr


def test_no_python_that_fits(machine):
    machine.add("apt-get")
    machine.add_python("python3", "3.9.2")
    assert refusal(machine) == (
        "setup: No Python 3.11 was found, which TFX 1.16 needs here (glibc 2.36 is older than 2.39): "
        'install one, for example "sudo apt-get install python3.11 python3.11-venv python3.11-dev", '
        "or name its file with PYTHON=FILE.\n"
    )
    newer = refusal(machine, GREENLIGHT_GLIBC="2.41")
    assert "No Python 3.13, 3.12 or 3.11 was found, which TFX 1.21 needs here (glibc 2.41" in newer


@pytest.mark.parametrize(
    ("manager", "command"),
    [
        ("dnf", '"sudo dnf install python3.11-devel gcc-c++"'),
        ("brew", '"brew install python@3.11"'),
        (None, "from python.org"),
    ],
)
def test_the_remedy_speaks_the_machine_s_package_manager(machine, manager, command):
    if manager:
        machine.add(manager)
    assert command in refusal(machine)


def test_a_python_without_venv(machine):
    machine.add("apt-get")
    machine.add_python("python3", "3.11.2", without=("ensurepip",))
    assert refusal(machine) == (
        "setup: Python 3.11.2 has no venv and ensurepip modules: install them, "
        'for example "sudo apt-get install python3.11-venv".\n'
    )


def test_a_python_without_headers(machine):
    machine.add("apt-get")
    machine.add_python("python3", "3.11.2", headers=False)
    assert refusal(machine) == (
        "setup: Python 3.11.2 has no C headers (Python.h): install them, "
        'for example "sudo apt-get install python3.11-dev".\n'
    )


def test_a_server_needs_no_headers(machine):
    machine.add_python("python3", "3.11.2", headers=False)
    assert machine.setup("--serve").returncode == 0


def test_a_named_python_that_does_not_fit(machine):
    mine = machine.add_python("mine", "3.12.1")
    message = refusal(machine, PYTHON=str(mine))
    assert f"PYTHON={mine} is not a working Python 3.11, which TFX 1.16 needs" in message
    assert "PYTHON=/nowhere is not a working Python 3.11" in refusal(machine, PYTHON="/nowhere")


def test_no_compiler(machine):
    machine.add("apt-get")
    machine.add_python("python3.11", "3.11.9")
    (machine.bin / "c++").unlink()
    assert refusal(machine) == (
        "setup: No C++ compiler was found, which two packages are built with: install one, "
        'for example "sudo apt-get install g++".\n'
    )


def test_a_folder_that_is_not_ours_is_left_alone(machine):
    machine.add_python("python3.11", "3.11.9")
    precious = machine.home / "thesis" / "chapter1.tex"
    precious.parent.mkdir()
    precious.touch()
    done = machine.setup(VENV=str(precious.parent))
    assert done.returncode == 2
    assert done.stderr == (
        f"setup: {precious.parent} exists and was not made by this project: remove it, "
        "or choose another folder with VENV=DIR.\n"
    )
    assert precious.exists()


def test_an_unknown_argument(machine):
    done = machine.setup("--fast")
    assert done.returncode == 2
    assert done.stderr == "setup: unknown argument --fast; it takes --explain, --tests, --serve or nothing.\n"
