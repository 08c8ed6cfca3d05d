"""docs/decisions.md: each decision has its three lines, and process-wide switches are where the page says."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8")
SECTIONS = re.findall(r"^### (.*)\n\n((?:.+\n)*)", PAGE, re.MULTILINE)


@pytest.mark.parametrize(("title", "text"), SECTIONS, ids=[title for title, _ in SECTIONS])
def test_a_decision_has_its_three_lines(title, text):
    assert re.findall(r"^- \*\*(.*?)\*\*", text, re.MULTILINE) == ["What", "Alternatives", "Why it stays"]


@pytest.mark.parametrize(
    ("call", "files"),
    [
        ("DEFAULT_RUNNER =", {"pipeline/engine/beam_orchestrator.py"}),
        ("setdefaulttimeout(", {"components/embeddings/locate.py"}),
        ("setswitchinterval(", {"serving/server.py"}),
        ("gc.freeze(", {"serving/model/loader.py", "pipeline/engine/local_runner.py"}),
        (
            "field_size_limit(",
            {"components/example_gen/formats/delimited.py", "components/example_gen/sources/packaged.py"},
        ),
        ("setrlimit(", {"serving/endpoint/descriptors.py"}),
        ("_PR_SET_PDEATHSIG =", {"serving/machine/child_processes.py"}),
    ],
)
def test_a_switch_for_the_whole_process_is_used_only_where_the_page_says(call, files):
    found = {
        path.relative_to(ROOT).as_posix()
        for floor in ("pipeline", "components", "serving")
        for path in (ROOT / floor).rglob("*.py")
        if re.search(rf"\b{re.escape(call)}", path.read_text(encoding="utf-8"))
    }
    assert found == files
    assert all(path in PAGE for path in files)
