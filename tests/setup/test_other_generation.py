"""`.ci/other_generation` on a machine of stand-ins: its work in the tree, and each way in which it fails."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from waiting import until

ROOT = Path(__file__).parent.parent.parent
NEEDED = ("env", "flock", "git", "grep", "setpriv", "tar", "tr")
pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, NEEDED)), reason="it runs on Linux only, with util-linux"
)

DEBOOTSTRAP = """#!/bin/sh
[ -z "$KILLED" ] || { : >"$4/half" && kill -9 $PPID; exit; }
echo "debootstrap $3" >>"$NOTES"
[ "$FAILING" != debootstrap ] || { echo "E: Failed getting release file"; exit 1; }
mkdir -p "$4/etc/ssl/certs" "$4/home" "$4/var/cache"
"""
# A container without the rights, or: notes the command that follows the variables, and plays its part.
UNSHARE = """#!/bin/sh
[ "$FAILING" != unshare ] || exit 1
while [ "$1" != -- ]; do
  [ "$1" != true ] || exit 0
  shift
done
shift 2
while case $1 in *=*) true ;; *) false ;; esac do shift; done
case "$*" in
  *--explain) echo "generation: ${INSIDE:-1.21} (glibc)" ;;
  *) echo "$*" >>"$NOTES" ;;
esac
[ "$WAITING" != "$*" ] || { echo $$ >"$HOME/waiting" && exec sleep 100; }
case "$*" in *"$FAILING") exit 2 ;; esac
"""
PROVEN = [
    "make --no-print-directory setup",
    ".ci/smoke",
    "make --no-print-directory test",
    "make --no-print-directory test-all ARGS=tests/pipeline/test_names_of_other_packages.py",
]
WITHOUT_IT = (
    "GREENLIGHT_SKIP_OTHER_GENERATION=1 leaves it out; then nothing shows that the other generation works."
)
NO_NETWORK = "#!/bin/sh\necho 'E: no network' >&2\nexit 100\n"


@pytest.fixture
def root(machine):
    """The machine, with root's rights and the checkout under git."""
    shutil.copytree(ROOT / ".ci", machine.checkout / ".ci")
    for tool in NEEDED:
        (machine.bin / tool).symlink_to(shutil.which(tool))
    machine.add("id", "#!/bin/sh\necho 0\n")
    machine.add("uname", '#!/bin/sh\n[ "$1" = -s ] && echo Linux || echo x86_64\n')
    machine.add("debootstrap", DEBOOTSTRAP)
    machine.add("unshare", UNSHARE)
    machine.add_python("python3.11", "3.11.7")
    subprocess.run(["git", "init", "-q", machine.checkout], check=True)
    return machine


@pytest.fixture
def tree(root) -> Path:
    return root.home / "a tree"


@pytest.fixture
def start(root, tree):
    def start(**environment: str) -> subprocess.Popen[str]:
        given = {"FAILING": "nothing", "GREENLIGHT_OTHER_ROOT": str(tree)}
        return subprocess.Popen(
            [str(root.checkout / ".ci/other_generation")],
            env={**root.environment, **given, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.fixture
def prove(start):
    def prove(**environment: str) -> subprocess.CompletedProcess[str]:
        process = start(**environment)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    return prove


def test_the_first_run_makes_the_tree_and_proves_the_generation_in_it(prove, root, tree):
    done = prove()
    assert done.returncode == 0, done.stderr
    assert root.notes == ["debootstrap trixie", *PROVEN]
    said = "other generation: TFX 1.21 on Debian trixie promotes, refuses, serves and passes the fast tests ("
    assert done.stdout.splitlines()[-1].startswith(said)
    assert (tree / "project/.ci/smoke").exists()


def test_a_kept_tree_is_used_again_with_the_checkout_and_the_environment_of_today(prove, root, tree):
    prove()
    root.forget()
    (tree / "project/of_yesterday.py").touch()
    (root.checkout / "of_today.py").touch()
    assert prove().returncode == 0
    assert root.notes == PROVEN
    assert not (tree / "project/of_yesterday.py").exists() and (tree / "project/of_today.py").exists()


def test_a_machine_of_the_newest_generation_proves_the_one_before(prove, root):
    done = prove(GREENLIGHT_GLIBC="2.41", INSIDE="1.16")
    assert done.returncode == 0, done.stderr
    assert root.notes[0] == "debootstrap bookworm"


def test_a_tree_whose_making_was_killed_is_made_anew(prove, root, tree):
    assert prove(KILLED="yes").returncode == -signal.SIGKILL
    assert (tree / "half").exists()
    assert prove().returncode == 0
    assert root.notes == ["debootstrap trixie", *PROVEN]
    assert not (tree / "half").exists()


def test_a_tree_that_cannot_be_made_is_a_failure_with_what_debootstrap_said(prove, root, tree):
    done = prove(FAILING="debootstrap")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "E: Failed getting release file",
        f"other generation: debootstrap failed; the whole log is {tree}.log.",
        WITHOUT_IT,
    ]
    root.forget()
    assert prove().returncode == 0
    assert root.notes[0] == "debootstrap trixie"


@pytest.mark.parametrize("step", PROVEN)
def test_a_step_that_fails_in_the_tree_is_a_failure_that_names_it(prove, root, step):
    done = prove(FAILING=step)
    assert done.returncode == 1
    assert done.stderr == (
        f"other generation: `{step}` failed with TFX 1.21 on Debian trixie (exit code 2).\n"
    )
    assert root.notes[-1] == step
    assert "promotes" not in done.stdout


def test_a_tree_with_this_machines_own_generation_proves_nothing(prove):
    done = prove(INSIDE="1.16")
    assert done.returncode == 1
    assert done.stderr == "other generation: Debian trixie got TFX '1.16', not 1.21.\n"


def test_a_folder_of_somebody_elses_is_left_alone(prove, root, tree):
    tree.mkdir()
    (tree / "precious").touch()
    done = prove()
    assert done.returncode == 1
    assert done.stderr == (
        f"other generation: {tree} is not a tree of this script: remove it, or name another with "
        "GREENLIGHT_OTHER_ROOT.\n"
    )
    assert os.listdir(tree) == ["precious"]
    assert root.notes == []


def test_a_container_without_the_rights_is_a_failure(prove):
    done = prove(FAILING="unshare")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "other generation: may not make namespaces here (a container without the rights?).",
        WITHOUT_IT,
    ]


@pytest.mark.parametrize(
    ("apt_get", "reason"),
    [
        (None, "is not installed"),
        (NO_NETWORK, "apt-get could not install"),
    ],
)
def test_without_debootstrap_it_is_a_failure(prove, root, apt_get, reason):
    (root.bin / "debootstrap").unlink()
    if apt_get:
        root.add("apt-get", apt_get)
    done = prove()
    assert done.returncode == 1
    assert f"other generation: needs debootstrap, which {reason}." in done.stderr.splitlines()
    assert ("E: no network" in done.stderr) == (apt_get is not None)


@pytest.mark.parametrize("value", ["0", "no"])
def test_a_value_that_might_mean_anything_leaves_nothing_out(prove, value):
    done = prove(GREENLIGHT_SKIP_OTHER_GENERATION=value)
    assert done.returncode == 1
    assert done.stderr == (
        f"other generation: GREENLIGHT_SKIP_OTHER_GENERATION is '{value}'; it takes 1, or is not set.\n"
    )


def test_what_runs_in_the_tree_ends_when_the_script_is_killed(start, root):
    """Otherwise the next run would work in the same tree beside it."""
    script = start(WAITING=".ci/smoke")
    waiting = root.home / "waiting"
    try:
        until(lambda: waiting.exists() and waiting.read_text().strip())
    finally:
        script.kill()
        script.communicate()
    until(lambda: not Path("/proc", waiting.read_text().strip()).exists())
