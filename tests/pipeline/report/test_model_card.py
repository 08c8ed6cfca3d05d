"""The model card: what it says, in both forms, and that no value can change its shape."""

import json
import re

import pytest
from markdown_it import MarkdownIt

from components.reviews import LENGTHS
from pipeline.config import Settings
from pipeline.lineage.runs import Artifact, Run, Stage
from pipeline.report import model_card, run_artifacts
from pipeline.results.outcome import RunResult

HEADINGS = ["Intended use", "Data", "Training", "Metrics", "Slices", "Gate", "Limits", "Lineage"]


@pytest.fixture(scope="module")
def card(promoted_run) -> tuple[str, str]:
    return render(promoted_run)


def render(made, settings: Settings | None = None, result: RunResult | None = None) -> tuple[str, str]:
    return model_card.render(
        made.run, result or made.result, settings or Settings(), run_artifacts.gather(made.run)
    )


def row(markdown: str, first: str) -> list[str]:
    """The cells of the table row that starts with `first`."""
    line = next(line for line in markdown.splitlines() if line.startswith(f"| {first} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_it_has_every_part(card):
    markdown, page = card

    assert markdown.startswith("# imdb\\_sentiment, version 3\n")
    assert re.findall(r"^## (.*)$", markdown, re.MULTILINE) == HEADINGS
    assert re.findall(r"<h2>(.*)</h2>", page) == HEADINGS


def test_metrics_have_intervals_that_hold_the_value(card):
    for name in model_card.METRICS.values():
        _, value, lower, upper = row(card[0], name)
        assert float(lower) < float(value) < float(upper)


def test_data_training_slices_and_lineage_are_told(card):
    markdown, _ = card

    assert row(markdown, "train") == ["train", "15,000", "50.3 %", "174"]
    assert "24 of at most 40 epochs; the model carries the weights of epoch 19." in markdown
    assert row(markdown, "validation")[1:] == ["0.2834", "0.8861"]
    assert [row(markdown, length)[1] for length in LENGTHS] == ["100"] * 4
    assert row(markdown, "accuracy ≥ 0.85") == ["accuracy ≥ 0.85", "overall", "0.8905", "passed"]
    assert row(markdown, "Trainer")[2].startswith("Model 6: `")


def test_a_refit_is_told(make_run, report_parts):
    made = make_run()
    report_parts.write_refit(made.path("Trainer", "model_run"))
    markdown, _ = render(made)

    assert (
        "24 of at most 40 epochs, of which early stopping kept 19. The model was then fitted once more, for "
        "19 epochs on the 20,000 examples of train and validation together; the figures below are those of "
        "the first fit. Its probabilities are calibrated by the first fit's predictions of the validation "
        "examples (Platt scaling)."
    ) in markdown


def test_the_card_of_an_approved_model_says_what_was_waived(make_run, report_parts, tmp_path):
    made = make_run()
    content = report_parts.verdict(index=1, passed=False, waived="ada, 2026-11-22: other data")
    (tmp_path / "verdict.json").write_text(json.dumps(content))
    blessing = Artifact(99, "ModelBlessing", str(tmp_path), {})
    approval = Stage("Approval", "complete", 99, 0, 0, {}, {"blessing": (blessing,)})
    run = Run(made.run.id, (*made.run.stages, approval))
    markdown, _ = model_card.render(run, made.result, Settings(), run_artifacts.gather(run))

    assert "On the `test` split, 2 conditions held, 1 was waived." in markdown
    assert "waived by ada, 2026-11-22: other data" in markdown


def test_negations_are_told_of_a_model_of_film_reviews(make_run, report_parts, card):
    made = make_run()
    content = report_parts.verdict() | {"negation": report_parts.NEGATION}
    (made.path("Evaluator", "evaluation") / "verdict.json").write_text(json.dumps(content))
    markdown, page = render(made)

    assert re.findall(r"^## (.*)$", markdown, re.MULTILINE)[5] == "Negation and contrast"
    assert "| It is not bad at all. \\<b\\>\\| (positive) | 64 | 0.0156 |" in markdown
    assert row(markdown, "all but plain") == ["all but plain", "", "205", "0.5658"]
    assert "<td>It is not bad at all. &lt;b&gt;| (positive)</td>" in page
    assert "Negation" not in card[0]


def test_the_same_run_gives_the_same_card(card, promoted_run):
    assert render(promoted_run) == card


def test_every_table_is_whole(card):
    """A stray sign in a cell would break its row: the HTML has as many cells as rows times columns."""
    for table in re.findall(r"<table>.*?</table>", card[1], re.DOTALL):
        columns = len(re.findall(r"<th\b", table))
        assert len(re.findall(r"<td\b", table)) == columns * (table.count("<tr>") - 1)


def test_the_spans_that_it_was_made_of_are_told(make_run):
    made = make_run()
    noted = [{"span": 12, "version": None, "fingerprint": "f"}]
    made.run.output("ImdbExampleGen", "examples").properties.update({"spans": json.dumps(noted)})
    markdown, _ = render(made, Settings.model_validate({"data": {"source": "spans"}}))

    assert "Source: `spans`, span 12. A hash" in markdown
    assert "no reviews of 5 or 6" not in markdown


def test_no_setting_can_become_markup(promoted_run):
    source = "files:`x`|<script>*.csv"
    settings = Settings.model_validate({"data": {"source": source}, "embedding": {"name": "/a_b_c|*d*<i>"}})
    markdown, page = render(promoted_run, settings)

    assert "<script" not in page and "<i>" not in page
    assert "/a_b_c|*d*&lt;i&gt;" in MarkdownIt("commonmark").enable("table").render(markdown)
    assert "`files:'x'¦<script>*.csv`" in markdown
    assert "no reviews of 5 or 6" not in markdown  # that is a fact about IMDB alone


def test_the_page_needs_nothing_else(card):
    assert "default-src 'none'" in card[1]
    assert not re.search(r"<(?:script|link|img)|https?://", card[1])


def test_a_card_without_artifacts_says_what_is_missing(make_run):
    made = make_run(until="StatisticsGen")
    markdown, _ = render(made, result=RunResult(verdict="refused", metrics={"accuracy": 0.8}))

    assert row(markdown, "accuracy") == ["accuracy", "0.8000", "–", "–"]
    assert "Not there. Trainer was not part of this run." in markdown
    assert "Anomalies: ExampleValidator was not part of this run." in markdown


def test_a_waived_condition_is_told(make_run, report_parts):
    made = make_run()
    verdict = report_parts.verdict(index=1, passed=False, waived="Ada: new data")
    report_parts.write_json(made.path("Evaluator", "evaluation") / "verdict.json", verdict)

    assert row(render(made)[0], "change of accuracy ≥ −0.002")[3] == "waived by Ada: new data"


def test_the_names_of_the_classes_replace_negative_and_positive(promoted_run):
    markdown, _ = render(promoted_run, Settings(data={"classes": ("ham", "spam")}))
    assert "Tells whether a text is spam or ham, with a probability." in markdown
    assert "`probability` of spam (float32) and `label` (`ham` below 0.5, else `spam`)" in markdown
    assert "| precision (of spam) |" in markdown and "| Split | Examples | Spam |" in markdown
    assert not re.findall(r"\b(?:positive|negative|sentiment)\b", markdown.split("## Gate")[0])
