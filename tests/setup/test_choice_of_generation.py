"""Which TFX generation and which Python setup.sh takes on which machine."""

import pytest


@pytest.mark.parametrize(
    ("platform", "glibc", "generation"),
    [
        ("Linux x86_64", "2.28", "1.16 (glibc 2.28 is older than 2.39)"),
        ("Linux x86_64", "2.38", "1.16 (glibc 2.38 is older than 2.39)"),
        ("Linux x86_64", "2.39", "1.21 (glibc 2.39 is 2.39 or newer)"),
        ("Linux x86_64", "2.41", "1.21 (glibc 2.41 is 2.39 or newer)"),
        ("Linux x86_64", "3.0", "1.21 (glibc 3.0 is 2.39 or newer)"),
        ("Darwin arm64", "", "1.21 (macOS on arm64)"),
        ("Darwin x86_64", "", "1.16 (macOS on x86_64)"),
    ],
)
def test_the_c_library_decides_the_generation(machine, platform, glibc, generation):
    machine.add_python("python3.11", "3.11.9")
    explained = machine.explain(GREENLIGHT_PLATFORM=platform, GREENLIGHT_GLIBC=glibc)
    assert explained["generation"] == generation


@pytest.mark.parametrize(
    ("platform", "glibc", "message"),
    [
        ("Linux x86_64", "2.17", "TFX needs glibc 2.28 or newer and this machine has 2.17"),
        ("Linux x86_64", "", "TFX needs a Linux with glibc, and this one has another C library"),
        ("Linux aarch64", "2.41", "TFX has no packages for Linux aarch64; use Linux on x86_64 or macOS."),
        ("MINGW64_NT x86_64", "", "TFX has no packages for MINGW64_NT x86_64"),
    ],
)
def test_a_platform_without_tfx_is_told_so_in_one_sentence(machine, platform, glibc, message):
    machine.add_python("python3.11", "3.11.9")
    done = machine.setup(GREENLIGHT_PLATFORM=platform, GREENLIGHT_GLIBC=glibc)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_tfx_1_16_takes_python_3_11_and_no_newer_one(machine):
    machine.add_python("python3.13", "3.13.1")
    machine.add_python("python3", "3.12.4")
    wanted = machine.add_python("python3.11", "3.11.9")
    assert machine.explain()["python"] == f"3.11.9 {wanted}"


def test_tfx_1_21_prefers_the_newest_python_in_range(machine):
    machine.add_python("python3", "3.14.0")
    machine.add_python("python3.11", "3.11.9")
    wanted = machine.add_python("python3.12", "3.12.4")
    assert machine.explain(GREENLIGHT_GLIBC="2.41")["python"] == f"3.12.4 {wanted}"


def test_a_plain_python3_serves_when_its_version_fits(machine):
    wanted = machine.add_python("python3", "3.11.2")
    assert machine.explain()["python"] == f"3.11.2 {wanted}"


def test_a_shim_that_exists_but_fails_is_passed_over(machine):
    machine.add("python3.11", "#!/bin/sh\necho 'pyenv: python3.11: command not found' >&2\nexit 127\n")
    wanted = machine.add_python("python3", "3.11.2")
    assert machine.explain()["python"] == f"3.11.2 {wanted}"


def test_a_python_without_venv_is_passed_over_for_a_complete_one(machine):
    machine.add_python("python3.13", "3.13.1", without=("ensurepip",))
    wanted = machine.add_python("python3.12", "3.12.4")
    assert machine.explain(GREENLIGHT_GLIBC="2.41")["python"] == f"3.12.4 {wanted}"


def test_python_can_be_named(machine):
    machine.add_python("python3.13", "3.13.1")
    wanted = machine.add_python("mine", "3.11.5")
    assert machine.explain(GREENLIGHT_GLIBC="2.41", PYTHON=str(wanted))["python"] == f"3.11.5 {wanted}"
    assert machine.explain(GREENLIGHT_GLIBC="2.41", PYTHON="mine")["python"] == f"3.11.5 {wanted}"


def test_explaining_changes_nothing(machine):
    machine.add_python("python3.11", "3.11.9")
    assert machine.explain()["environment"] == f"{machine.checkout}/.venv (missing)"
    assert not (machine.checkout / ".venv").exists()
    assert machine.notes == []
