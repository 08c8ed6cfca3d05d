"""How a run travels, as docs/run.md says: the modules of each table are called, in its order."""

import re
from pathlib import Path

import processes
import pytest
from small_run import SMALL_RUN

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "run.md").read_text(encoding="utf-8")


def tables() -> dict[str, list[str]]:
    """The modules in the table of each section, in their order, by heading."""
    sections = re.split(r"^##+ (.*)$", PAGE, flags=re.MULTILINE)[1:]
    found = {
        heading: re.findall(r"^\| `([\w/]+\.py)` \|", text, re.MULTILINE)
        for heading, text in zip(sections[::2], sections[1::2], strict=True)
    }
    return {heading: modules for heading, modules in found.items() if modules}


TABLES = tables()


def test_the_page_names_files_that_are_there_each_in_one_table():
    named = [module for modules in TABLES.values() for module in modules]
    assert len(named) == len(set(named)) and len(TABLES) == 9
    for path in {*named, *re.findall(r"`((?:pipeline|components|serving|tests)/[\w/]+\.py)`", PAGE)}:
        assert (ROOT / path).is_file(), path


@pytest.fixture(scope="module")
def traced(tmp_path_factory, embedding_cache) -> list[str]:
    """The modules of ours that a run called, in the order of their first calls."""
    folder = tmp_path_factory.mktemp("traced")
    settings = (f"workspace={folder / 'workspace'}", f"cache_dir={embedding_cache}", "gate.min_accuracy=0.6")
    done = processes.python(
        str(ROOT / "tests" / "run_trace.py"),
        str(folder / "modules"),
        *("run", "--json", *processes.with_set(*settings, *SMALL_RUN, "trainer.refit=auto")),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return (folder / "modules").read_text(encoding="utf-8").splitlines()


@pytest.mark.proof
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("heading", TABLES)
def test_a_run_calls_the_modules_that_the_page_names_in_its_order(traced, heading):
    documented = TABLES[heading]
    assert [module for module in traced if module in documented] == documented
