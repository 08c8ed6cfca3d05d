"""The README's figures come from docs/figures.json, which keeps the values of every round."""

import json
import sys

import pytest

from benchmarks import readme
from benchmarks.processes import CHECKOUT, GREENLIGHT

ROUNDS = {
    "signature, 1 row, ms": [1.0, 1.0, 2.0],
    "HTTP, 1 client, ms": [1.5, 2.0, 2.0],
    "signature, 64 rows, rows/s": [4000, 4000, 4000],
    "HTTP, 64 clients, rows/s": [2000, 3000, 2500.4],
    "HTTP, 256 clients, rows/s": [2500, 2500, 2500],
    "HTTP, 256 clients, p99 ms": [150.2, 151.0, 149.9],
    "HTTP, 256 clients, failed": [0, 0, 0],
}
PAGE = (
    "# A\n\n## Figures\n\nOld sentence.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nBehind.\n\n| other | table |\n"
)


def kept(**changed):
    command = readme.BENCHMARKS["serving"].command
    at = {"command": command, "commit": "abc1234", "date": "2026-11-29", "machine": "2 cores"}
    return {"serving": at | {"rounds": ROUNDS} | changed}


def test_a_ratio_is_the_median_of_the_ratios_of_the_rounds():
    page = readme.rendered(PAGE, kept())
    assert "| one review over HTTP | 2.00 ms (1.50 ms to 2.00 ms) | 3 | `python -m benchmarks.serving" in page
    assert (
        "| the same, relative to the signature called in process | 1.50 (1.00 to 2.00) | 3 | the same |"
        in page
    )
    assert "| 64 clients over HTTP | 2,500 rows/s (2,000 rows/s to 3,000 rows/s) | 3 | the same |" in page


def test_what_is_around_the_table_stays_and_the_sentence_above_says_where_it_was_measured():
    page = readme.rendered(PAGE, kept())
    assert page.startswith(
        "# A\n\n## Figures\n\nMeasured by `make figures` on 2026-11-29 at commit abc1234, on 2 cores."
    )
    assert (
        page.endswith("\n\nBehind.\n\n| other | table |\n") and "Old" not in page and "| 1 | 2 |" not in page
    )
    assert readme.rendered(page, kept()) == page


def test_figures_of_another_commit_say_so():
    notebook = {
        name: [1.0] for name in ("greenlight run", "notebook script", "run again", "run with a new gate")
    }
    notebook |= {
        name: [0.9] for name in ("accuracy", "calibration error", "--help", "a setting that cannot be")
    }
    both = kept() | {"notebook": {**kept()["serving"], "commit": "def5678", "rounds": notebook}}
    page = readme.rendered(PAGE, both)
    assert "at commit def5678, on 2 cores. Of serving: 2026-11-29, commit abc1234, the same machine." in page
    assert "| accuracy of a default run on its 5,000 test reviews | 0.9000 | 1 |" in page, (
        "no spread of equals"
    )


def test_a_page_without_a_table_is_an_error():
    with pytest.raises(ValueError, match="no table under `## Figures`"):
        readme.rendered("# A\n", kept())


@pytest.mark.parametrize(("code", "holds"), [(0, True), (1, False)])
def test_a_benchmark_gets_a_workspace_and_its_rounds_are_kept(monkeypatch, code, holds):
    started = []

    def benchmark(command, **_):
        started.append(command)
        (record,) = command[command.index("--record") + 1 :]
        with open(record, "w") as file:
            json.dump(ROUNDS, file)
        return type("Ended", (), {"returncode": code})

    monkeypatch.setattr(
        readme, "run", lambda command: started.append(command) or type("Cost", (), {"output": "abc"})
    )
    monkeypatch.setattr(readme.subprocess, "run", benchmark)
    found, held = readme.measure(readme.BENCHMARKS["serving"])
    first, second = started[0], started[1]
    assert first[: len(GREENLIGHT) + 1] == [*GREENLIGHT, "run"]
    assert second[:3] == [sys.executable, "-m", "benchmarks.serving"] and first[-1] in second
    assert found["rounds"] == ROUNDS and found["command"].endswith("--workspace WORKSPACE") and held is holds


def test_a_benchmark_that_ends_without_figures_is_an_error(monkeypatch):
    monkeypatch.setattr(readme.subprocess, "run", lambda command, **_: type("Ended", (), {"returncode": 1}))
    with pytest.raises(SystemExit, match=r"benchmarks\.accuracy --seeds 1,2,3 ended with 1 and no figures"):
        readme.measure(readme.BENCHMARKS["lesson"])


def test_the_readme_has_the_figures_of_the_record():
    page = readme.README.read_text(encoding="utf-8")
    assert readme.rendered(page, json.loads(readme.RECORD.read_text(encoding="utf-8"))) == page


def test_the_record_is_beside_the_documents():
    assert readme.RECORD == CHECKOUT / "docs" / "figures.json"
