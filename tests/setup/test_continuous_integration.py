"""Continuous integration: both TFX generations are proven; what is not proven is a failure or is said."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
MAKE = """#!/bin/sh
for word in "$@"; do
  case "$word" in
    ARGS=--junitxml=*) report=${word#ARGS=--junitxml=} ;;
    -*) ;;
    *) target=$word ;;
  esac
done
printf '%s\\n' "make $target" >>"$NOTES"
[ -z "$report" ] || echo "<testsuite skipped=\\"${SKIPPED:-0}\\" tests=\\"7\\">" >"$report"
[ "$target" != "$FAILING" ] || exit 2
"""
STEP = """#!/bin/sh
echo "{name}" >>"$NOTES"
[ "$FAILING" != {name} ]
"""
TARGETS = ("setup", "lint", "docs", "test-all", "proof-clients", "proof-stores", "proof-flink", "proof-spark")
STEPS = [f"make {target}" for target in TARGETS]


@pytest.fixture
def ci(machine):
    """Starts a script of `.ci/` on the machine, by a user who is not root."""
    shutil.copytree(ROOT / ".ci", machine.checkout / ".ci")
    (machine.checkout / "build").mkdir()
    machine.add_python("python3.11", "3.11.7")
    machine.add("make", MAKE)
    machine.add("id", "#!/bin/sh\necho 1000\n")
    machine.add("uname", '#!/bin/sh\n[ "$1" = -s ] && echo "${SYSTEM:-Linux}" || echo x86_64\n')

    def start(script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(machine.checkout / ".ci" / script), *arguments],
            env={**machine.environment, "FAILING": "nothing", **environment},
            capture_output=True,
            text=True,
            timeout=60,
        )

    return start


@pytest.fixture
def run(ci, machine):
    """Starts `.ci/run`, whose steps only take notes."""
    for name in ("package", "other_generation"):
        (machine.checkout / ".ci" / name).write_text(STEP.format(name=name))
    return lambda **environment: ci("run", **environment)


def outcomes(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [step.rpartition(" (")[0] for step in done.stdout.splitlines()[-1].split(", ")]


def test_a_change_passes_the_whole_suite_and_a_proof_of_the_other_generation(run, machine):
    done = run()
    assert done.returncode == 0, done.stderr
    assert machine.notes == [*STEPS, "package", "other_generation"]
    assert outcomes(done) == [
        *("setup passed", "lint passed", "docs passed", "tests passed", "clients passed", "stores passed"),
        *("flink passed", "spark passed", "package passed", "other generation passed"),
    ]


@pytest.mark.parametrize(
    ("failing", "step"),
    [
        ("lint", "lint"),
        ("docs", "docs"),
        ("test-all", "tests"),
        ("proof-clients", "clients"),
        ("proof-stores", "stores"),
        ("proof-flink", "flink"),
        ("proof-spark", "spark"),
        ("package", "package"),
        ("other_generation", "other generation"),
    ],
)
def test_a_step_that_fails_fails_the_change_and_the_others_still_run(run, machine, failing, step):
    done = run(FAILING=failing)
    assert done.returncode == 1
    assert machine.notes == [*STEPS, "package", "other_generation"]
    assert [outcome for outcome in outcomes(done) if not outcome.endswith("passed")] == [f"{step} FAILED"]


def test_a_generation_that_was_left_out_on_demand_is_called_not_proven(run):
    done = run(GREENLIGHT_SKIP_OTHER_GENERATION="1")
    assert done.returncode == 0
    assert outcomes(done)[-1] == "other generation NOT PROVEN"


def test_proofs_that_were_all_skipped_have_proven_nothing(run):
    done = run(SKIPPED="7")
    assert done.returncode == 0
    proofs = ["clients NOT PROVEN", "stores NOT PROVEN", "flink NOT PROVEN", "spark NOT PROVEN"]
    assert [outcome for outcome in outcomes(done) if not outcome.endswith("passed")] == proofs


def test_proofs_that_were_skipped_in_part_say_so(run):
    assert outcomes(run(SKIPPED="6"))[6] == "flink passed with 6 of 7 skipped"


def test_leaving_the_other_generation_out_takes_an_explicit_variable(ci):
    done = ci("other_generation", GREENLIGHT_SKIP_OTHER_GENERATION="1")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == ("other generation: NOT PROVEN, because GREENLIGHT_SKIP_OTHER_GENERATION is set\n")


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({}, "needs root for debootstrap and chroot."),
        ({"GREENLIGHT_GLIBC": "2.41"}, "needs root for debootstrap and chroot."),
        ({"SYSTEM": "Darwin"}, "needs Linux on x86_64, and this is Darwin on x86_64."),
    ],
)
def test_where_it_cannot_be_proven_that_is_a_failure_with_the_reason(ci, environment, reason):
    done = ci("other_generation", **environment)
    assert done.returncode == 1
    said, remedy = done.stderr.splitlines()
    assert said == f"other generation: {reason}"
    assert remedy.startswith("GREENLIGHT_SKIP_OTHER_GENERATION=1 leaves it out")


def test_an_unknown_debian_is_refused(ci):
    done = ci("other_generation", "sid")
    assert done.returncode == 1
    assert done.stderr == "other generation: unknown Debian release 'sid'; it takes trixie or bookworm.\n"


@pytest.mark.parametrize("row", ['"3.11", tfx: "1.16"', '"3.13", tfx: "1.21"'])
def test_the_workflow_has_both_generations(row):
    assert f"python: {row}" in (ROOT / ".github/workflows/ci.yml").read_text()


@pytest.mark.parametrize("system", ["ubuntu-22.04", "ubuntu-24.04", "macos-15"])
def test_the_workflow_has_the_systems_of_the_readme(system):
    assert f"{{ os: {system}, " in (ROOT / ".github/workflows/ci.yml").read_text()


@pytest.mark.parametrize("command", ["make lint", "make docs", "make test-all", ".ci/smoke", "make run"])
def test_the_workflow_runs_everything_in_each_row(command):
    assert f"- run: {command}\n" in (ROOT / ".github/workflows/ci.yml").read_text()
