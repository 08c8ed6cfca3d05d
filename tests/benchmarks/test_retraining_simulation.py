"""The simulation's world is what it says, and its judgment finds what would be wrong."""

import csv
import datetime
import json

import pytest

from benchmarks.processes import run
from benchmarks.retraining import simulated_spans
from benchmarks.retraining.__main__ import concluded, told
from benchmarks.retraining.simulated_spans import DRIFT_FROM, EMPTY, MALFORMED, POISONED, world


@pytest.fixture(scope="module")
def small():
    return world(first_rows=50, span_rows=20, poisoned_rows=40, held_out=30)


def test_it_explains_itself():
    import sys

    assert (
        "python -m benchmarks.retraining"
        in run([sys.executable, "-m", "benchmarks.retraining", "--help"]).output
    )


def test_no_review_is_in_two_spans_or_held_out_and_used(small):
    texts = [text for plan in small.plans for text, _ in plan.rows]
    texts += [text for text, _ in (*small.before, *small.after)]
    assert len(texts) - len(set(texts)) <= 2, "the packaged reviews hold few copies"


def test_the_poisoned_span_has_every_label_flipped_and_no_other_has_one(small):
    real = {text: label for rows in simulated_spans._real() for text, label in rows}
    for plan in small.plans:
        share = sum(real[text] != label for text, label in plan.rows) / max(1, len(plan.rows))
        assert share == pytest.approx(float(plan.number == POISONED), abs=0.05)


def test_drifted_spans_are_snippets(small):
    words = [sum(len(text.split()) for text, _ in plan.rows) / max(1, len(plan.rows)) for plan in small.plans]
    assert min(words[: MALFORMED - 1]) > 100 > max(words[DRIFT_FROM - 1 :])


def test_the_clock_goes_wrong_and_right_again(small):
    steps = {b.clock - a.clock for a, b in zip(small.plans, small.plans[1:], strict=False)}
    week, wrong = datetime.timedelta(weeks=1), simulated_spans.WRONG_BY
    assert steps == {week, week - wrong, week + wrong}


def test_spans_land_whole_malformed_and_empty(small, tmp_path):
    for plan in small.plans:
        plan.land(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(f"span-{n}" for n in range(1, 21))
    rows = {n: list(csv.reader((tmp_path / f"span-{n}" / "reviews.csv").open())) for n in (1, EMPTY)}
    assert (len(rows[1]), rows[EMPTY]) == (51, [["text", "label"]])
    assert "label" not in (tmp_path / f"span-{MALFORMED}" / "reviews.csv").read_text()


def test_too_few_reviews_are_said():
    with pytest.raises(ValueError, match="not enough reviews"):
        world(first_rows=50, span_rows=500, poisoned_rows=3000, held_out=3000)


def test_decisions_are_told_in_a_line_each():
    aside = {"kind": "set-aside", "why": "no column", "ended": None}
    ran = {"kind": "run", "why": "span 2 is new", "ended": {"verdict": "promoted", "reasons": []}}
    nothing = {"kind": "nothing", "why": "done", "ended": None}
    assert told({"before": [aside], "decision": ran}) == ["set-aside: no column", "promoted: span 2 is new"]
    assert told({"before": [], "decision": nothing}) == []


def test_verdicts_are_counted_by_span(tmp_path):
    journal = tmp_path / "journal.jsonl"
    records = [
        {"kind": "decided", "run": "a", "decision": {"covers": [[1, "x"]]}},
        {"kind": "ended", "run": "a", "verdict": "killed"},
        {"kind": "decided", "run": "b", "decision": {"covers": [[1, "x"]]}},
        {"kind": "ended", "run": "b", "verdict": "refused"},
        {"kind": "decided", "run": None, "decision": {"covers": [[2, "y"]]}},
    ]
    journal.write_text("\n".join(map(json.dumps, records)))
    assert concluded(journal) == {1: 1}
