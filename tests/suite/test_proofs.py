"""The end of a run of the tests: which proofs it left out, and why; also where workers run the tests."""

from pathlib import Path

import processes
import pytest

TESTS = Path(__file__).parents[1]
CONFTEST = f"""
import sys
sys.path.insert(0, {str(TESTS)!r})
from suite.proofs import Proofs

def pytest_configure(config):
    config.addinivalue_line("markers", "proof: a long test")
    config.addinivalue_line("markers", "flink: on Flink")
    config.addinivalue_line("markers", "spark: on Spark")
    config.addinivalue_line("markers", "clients: in other languages")
    config.pluginmanager.register(Proofs(config), "proofs")
"""
QUICK = """
import pytest

def test_quick():
    pass

@pytest.mark.proof
@pytest.mark.parametrize("part", range(3))
def test_long(part):
    pass

@pytest.mark.proof
def test_in_a_browser():
    pytest.skip("needs a browser")

@pytest.mark.proof
@pytest.mark.flink
def test_on_flink():
    pass

@pytest.mark.proof
@pytest.mark.clients
def test_in_another_language():
    pass
"""
NOT_HERE = """
import pytest

pytest.skip("test_not_here.py: kfp is not installed", allow_module_level=True)
"""


@pytest.fixture
def end_of_run(tmp_path):
    """Runs a small suite with further arguments; returns the last lines of its output."""
    for name, text in {"conftest.py": CONFTEST, "test_quick.py": QUICK, "test_not_here.py": NOT_HERE}.items():
        (tmp_path / name).write_text(text)

    def run(*arguments: str) -> str:
        command = ("-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments)
        done = processes.python(*command, folder=tmp_path, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.mark.parametrize("workers", [(), ("-p", "xdist", "-n", "2")], ids=["one process", "workers"])
def test_proofs_that_were_left_out_are_counted_with_the_reason(end_of_run, workers):
    fast = end_of_run("-m", "not proof", *workers)
    assert "= 6 proofs were not run =" in fast
    assert "\n   4 not selected: `make test-all` runs them\n" in fast
    assert "\ntest_not_here.py: kfp is not installed\n" in fast
    assert "\n   1 not selected: `make proof-flink` runs them\n" in fast
    assert "\n   1 not selected: `make proof-clients` runs them\n" in fast
    whole = end_of_run("-m", "not flink and not clients", *workers)
    assert "= 3 proofs were not run =" in whole
    assert "\n   1 needs a browser\n" in whole
    assert "\n   1 not selected: `make proof-flink` runs them\n" in whole
    assert "make test-all" not in whole


def test_a_run_that_leaves_nothing_out_says_nothing_of_it(end_of_run):
    assert "not run" not in end_of_run("test_quick.py::test_long")
