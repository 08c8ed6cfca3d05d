"""The report of a run: what it shows, whatever the run came to, and that it needs nothing beside it."""

import dataclasses
import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from components.reviews import LENGTHS
from pipeline.config import Settings
from pipeline.lineage.runs import Run
from pipeline.report import model_card, run_artifacts
from pipeline.report.page import write_report
from pipeline.results.outcome import RunResult

SECTIONS = ("gate", "training", "quality", "examples", "data", "serving", "lineage", "settings")
CHARTS = ("curve-loss", "curve-accuracy", "roc", "reliability", "certainty", "slices", "lengths")


def write(made, *, result: RunResult | None = None, settings: Settings | None = None) -> str:
    path = write_report(made.run, result or made.result, settings or Settings(), workspace=made.root)
    return path.read_text(encoding="utf-8")


def text_of(page: str) -> str:
    """What a person reads: no style, no tags, entities resolved."""
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", body)))


@pytest.fixture(scope="module")
def promoted(promoted_run) -> str:
    return write(promoted_run)


def test_a_promoted_run_has_every_section_and_chart(promoted):
    assert "<h1>Promoted</h1>" in promoted
    for section in SECTIONS:
        assert f'<section id="{section}"' in promoted
    for chart in CHARTS:
        assert f'id="{chart}-' in promoted
    assert "Version 3 is live. At the gate, 3 conditions held." in text_of(promoted)


def test_what_held_and_what_was_not_judged_are_counted_apart(make_run, report_parts):
    made = make_run()
    changes = {"value": None, "lower": None, "upper": None, "unjudged": "no other model in production"}
    content = report_parts.verdict(index=1, **changes)
    content["conditions"][0] |= {"judged": "lower"}
    (made.path("Evaluator", "evaluation") / "verdict.json").write_text(json.dumps(content))
    card, _ = model_card.render(made.run, made.result, Settings(), run_artifacts.gather(made.run))
    seen = text_of(write(made))

    assert "Version 3 is live. At the gate, 2 conditions held, 1 was not judged." in seen
    assert "On the `test` split, 2 conditions held, 1 was not judged." in card
    assert "0.8905 lower bound 0.8816" in seen
    assert "| 0.8905, lower bound 0.8816 | passed |" in card


def test_negations_are_a_table_beside_the_model_before(make_run, report_parts, promoted):
    made = make_run()
    content = report_parts.verdict() | {"negation": report_parts.NEGATION}
    place = made.path("Evaluator", "evaluation") / "verdict.json"
    place.write_text(json.dumps(content))
    page = write(made)
    seen = text_of(page)

    assert "Accuracy on 96 short sentences made by rule" in seen
    assert "negated blame 0.016 0.000 64 It is not bad at all. <b>| (positive)" in seen
    assert "not bad at all. &lt;b&gt;" in page
    assert "Negation" not in promoted

    for kind in content["negation"]:
        kind["baseline"] = None
    place.write_text(json.dumps(content))
    assert "negated blame 0.016 64 It is not bad at all. <b>| (positive)" in text_of(write(made))


def test_it_is_written_to_the_reports_of_the_workspace(make_run):
    made = make_run()
    path = write_report(made.run, made.result, Settings(), workspace=made.root)

    assert path == made.root / "reports" / made.run.id / "index.html"
    assert list(path.parent.iterdir()) == [path]


def test_every_condition_is_a_row_with_its_numbers(promoted):
    seen = text_of(promoted)

    assert "accuracy ≥ 0.85" in seen
    assert "0.8905 0.882 to 0.899 0.8811 +0.0316" in seen
    assert "change of accuracy ≥ −0.002" in seen
    assert "number of examples ≥ 50" in seen


def test_the_kept_epoch_is_marked_and_told(promoted):
    told = "Early stopping ended the fit after epoch 24 and put back the weights of epoch 19."

    assert "epoch 19 kept" in promoted
    assert told in text_of(promoted)


def test_a_refit_is_told_and_the_figures_of_the_first_fit_are_named_so(make_run, report_parts):
    made = make_run()
    report_parts.write_refit(made.path("Trainer", "model_run"))
    seen = text_of(write(made))

    assert "then refit on 20,000 examples for 19 epochs" in seen
    assert (
        "Early stopping ended the fit after epoch 24. The model was then fitted once more, on the 20,000"
        in seen
    )
    assert "The first fit at epoch 19; the model has the weights of the refit." in seen
    assert "calibrated by the first fit's predictions of eval" in seen
    assert "refit: training loss 0.2101" in seen


def test_the_reason_for_no_refit_is_told(make_run):
    made = make_run()
    path = made.path("Trainer", "model_run") / "history.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"not_refit": "the gate judges on eval"}))

    assert "No refit on train and eval: the gate judges on eval." in text_of(write(made))


def test_slices_splits_settings_and_lineage_are_shown(make_run):
    seen = text_of(write(make_run(), settings=Settings.model_validate({"trainer": {"epochs": 7}})))

    for length in LENGTHS:
        assert f"{length}, 100 examples" in seen
    assert "train 15,000 50.3 % 174" in seen
    assert "trainer.epochs 7 (default 40)" in seen
    assert "No anomalies." in seen
    assert "Trainer out model 6 Model" in seen
    assert "Evaluator in baseline_model 8 Model" in seen
    assert "numpy" in seen


def test_the_same_run_gives_the_same_bytes(make_run):
    made = make_run()

    assert write(made) == write(made)


def test_it_needs_no_other_file_and_no_network(promoted):
    targets = re.findall(r"""(?:href|src)=["']([^"']*)""", promoted) + re.findall(r"url\(([^)]*)\)", promoted)

    assert targets and all(target.startswith("#") for target in targets)
    assert "<script" not in promoted and "@import" not in promoted
    assert "default-src 'none'" in promoted
    assert len(promoted) < 1_500_000


def test_ids_are_unique_and_every_tag_is_closed(promoted):
    ids = re.findall(r'\bid="([^"]+)"', promoted)

    assert len(ids) == len(set(ids))
    assert Nesting.of(promoted) == []


def test_a_review_cannot_break_out_of_its_text(make_run, report_parts):
    made = make_run()
    attack = "</blockquote><script>alert(1)</script><img src=x onerror=alert(2)> &amp; {{ 7 * 7 }}"
    folder = made.path("Evaluator", "evaluation")
    report_parts.write_evaluation(folder, texts=dict.fromkeys(range(400), attack))
    page = write(made)

    assert "<script" not in page and "<img" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "{{ 7 * 7 }}" in page
    assert "&amp;amp;" in page


def test_settings_reasons_and_anomalies_are_escaped_as_well(make_run, report_parts):
    made = make_run()
    report_parts.write_anomalies(made.path("ExampleValidator", "anomalies"), **{"<i>text": "<b>odd</b>"})
    result = dataclasses.replace(made.result, verdict="refused", reasons=("<script>x</script>",))
    page = write(
        made, result=result, settings=Settings.model_validate({"data": {"source": "files:<u>*.csv"}})
    )

    for piece in ("<i>text", "<b>odd", "<script", "<u>*"):
        assert piece not in page
        assert html.escape(piece) in page


def test_rows_that_could_not_be_used_are_named(make_run, report_parts):
    made = make_run()
    report_parts.write_reading(made.path("ImdbExampleGen", "examples"), {"no text": 3})
    seen = text_of(write(made))

    assert "25,000 rows read, 24,997 used, 3 left out (3 no text) ." in seen
    assert "odd.csv:7: no text (what stands <there>) 2 more rows" in seen


def test_the_spans_that_it_was_made_of_are_told(make_run):
    made = make_run()
    examples = made.run.output("ImdbExampleGen", "examples")
    noted = [{"span": span, "version": None, "fingerprint": "f"} for span in (5, 6, 7, 9)]
    examples.properties.update({"spans": json.dumps(noted), "with_base": 1})

    assert "Made of spans 5-7, 9 and the packaged base." in text_of(write(made))


def test_a_long_review_is_cut_with_the_whole_one_at_hand(make_run, report_parts):
    made = make_run()
    long = "word " * 200 + "the very end"
    folder = made.path("Evaluator", "evaluation")
    report_parts.write_evaluation(folder, texts=dict.fromkeys(range(400), long))
    page = write(made)

    assert page.count("the very end") == page.count("<summary>The whole text</summary>") > 0


def test_a_refused_run_says_why(make_run, report_parts):
    made = make_run(until="InfraValidator")
    low = report_parts.verdict(
        index=1, value=-0.0115, lower=-0.02, upper=-0.003, passed=False, margin=-0.0095, reason="got worse"
    )
    report_parts.write_json(made.path("Evaluator", "evaluation") / "verdict.json", low)
    result = RunResult(verdict="refused", version="2", run=made.run.id, reasons=("accuracy fell by 0.0115",))
    page = write(made, result=result)
    seen = text_of(page)

    assert '<body class="refused">' in page and "<h1>Refused</h1>" in page
    assert "This model was not promoted. Version 2 stays live." in seen
    assert "accuracy fell by 0.0115" in seen
    assert "got worse failed −0.0115 −0.020 to −0.003 0.8811 −0.0095" in seen
    assert seen.index("change of accuracy") < seen.index("accuracy ≥ 0.85")  # what failed comes first


def test_a_waived_condition_names_who_and_why(make_run, report_parts):
    made = make_run()
    waived = report_parts.verdict(
        index=1, passed=False, margin=-0.01, waived="Ada: the new tokens are wanted"
    )
    report_parts.write_json(made.path("Evaluator", "evaluation") / "verdict.json", waived)
    seen = text_of(write(made))

    assert "waived by Ada: the new tokens are wanted" in seen


def test_a_stopped_run_shows_the_anomalies_and_what_is_missing(make_run, report_parts):
    made = make_run(until="DataCheck", failed=True)
    report_parts.write_anomalies(made.path("ExampleValidator", "anomalies"), label="Values 0 to 5")
    reasons = ("1 thing is wrong with the data:", "  label: values 0 to 5")
    page = write(made, result=RunResult(verdict="stopped", run=made.run.id, reasons=reasons))
    seen = text_of(page)

    assert '<p class="message">1 thing is wrong with the data:\n  label: values 0 to 5</p>' in page

    assert "Stopped" in seen and "The run was stopped before training. Nothing was promoted." in seen
    assert "train label Unexpected values Values 0 to 5" in seen
    assert "Training The run ended in DataCheck, before Trainer." in seen
    assert "Quality The run ended in DataCheck, before Evaluator." in seen
    assert "train 15,000" in seen


def test_a_failed_run_leads_with_its_error(make_run):
    made = make_run(until="Trainer", failed=True)
    result = RunResult(verdict="failed", run=made.run.id, error="The fit diverged in epoch 2.", version="2")
    seen = text_of(write(made, result=result))

    assert "Failed The fit diverged in epoch 2. Version 2 stays live." in seen
    assert "Training Trainer failed." in seen


@pytest.mark.parametrize("verdict", ["failed", "stopped"])
def test_a_run_that_never_started_a_stage_still_has_a_page(tmp_path: Path, verdict):
    result = RunResult(verdict=verdict, run="r1", error="No such embedding.")
    path = write_report(Run("r1", ()), result, Settings(), workspace=tmp_path)

    seen = text_of(path.read_text(encoding="utf-8"))
    assert "Lineage No stage of this run was recorded." in seen
    assert "Training The run ended before its first stage." in seen
    assert "0.0 s ended before its first stage" in seen


def suspects(made, *spans: int | None) -> None:
    """Gives the run a label check that doubts one label of each of `spans`."""
    first = [{"text": "It was all right.", "label": 1, "probability": 0.2, "span": span} for span in spans]
    labels = {
        "not_judged": None,
        "suspects": len(spans),
        "examined": 900,
        "share": 0.01,
        "right_suspects": "",
    }
    check = made.path("DataCheck", "verdict")
    check.rmdir()
    check.write_text(json.dumps({"labels": labels | {"first": first}}))


@pytest.mark.parametrize(
    ("spans", "row"),
    [((None,), "positive 0.20 It was"), ((4, None), "positive 0.20 4 It was all right. positive 0.20 – It")],
)
def test_doubted_labels_have_a_column_for_the_span_only_where_there_are_spans(make_run, spans, row):
    made = make_run()
    suspects(made, *spans)
    assert f"{'Span ' if any(spans) else ''}Text {row}" in text_of(write(made))


@pytest.mark.parametrize(
    ("near_duplicates", "words"),
    [
        ("keep together", "2 of them were put into the split of the text that they resemble"),
        ("count", "2 of them are in another split than the text that they resemble."),
    ],
)
def test_copies_are_said_to_move_only_where_they_do(make_run, near_duplicates, words):
    made = make_run()
    path = made.path("ImdbExampleGen", "examples") / "reading.json"
    same = {"texts": 900, "copies": 5, "near_duplicates": 4, "apart": 2}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"sameness": same}))
    settings = Settings.model_validate({"data": {"near_duplicates": near_duplicates}})
    assert words in text_of(write(made, settings=settings))


def test_a_broken_artifact_costs_its_own_section_only(make_run):
    made = make_run()
    (made.path("Trainer", "model_run") / "history.json").write_text("{", encoding="utf-8")
    (made.path("Evaluator", "evaluation") / "predictions.parquet").unlink()
    seen = text_of(write(made))

    assert "The output of Trainer cannot be read (JSONDecodeError" in seen
    assert "Evaluator did not write predictions.parquet." in seen
    assert "accuracy ≥ 0.85" in seen


def test_what_the_canaries_found_is_shown(make_run, report_parts):
    made = make_run()
    folder = made.path("InfraValidator", "blessing")
    report_parts.write_canaries(folder, problem="it held <b>9 GiB</b>", name="<i>odd</i>")
    page = write(made)
    seen = text_of(page)

    assert "One text 2.1 ms limit 250 ms Memory 812 MiB limit 4,096 MiB" in seen
    assert "load passed memory it held <b>9 GiB</b> failed" in seen
    assert "the empty text negative 0.481 <i>odd</i> positive –" in seen
    assert "<b>9 GiB" not in page and "<i>odd" not in page


def test_a_canary_check_that_was_switched_off_is_told(make_run, report_parts):
    made = make_run()
    report_parts.write_json(
        made.path("InfraValidator", "blessing") / "canaries.json",
        {"passed": True, "skipped": True, "reasons": []},
    )

    assert "The canary check was switched off ( infra.enabled )." in text_of(write(made))


def test_sections_that_are_not_there_come_last_and_leave_the_navigation(make_run):
    made = make_run(until="DataCheck", failed=True)
    page = write(made, result=RunResult(verdict="stopped", run=made.run.id))
    sections = re.findall(r'<section id="(\w+)"', page)

    assert sections == ["data", "lineage", "settings", "missing"]
    assert re.findall(r'<a href="#(\w+)"', page) == ["data", "lineage", "settings"]


def test_an_unchanged_run_names_the_version_that_stays(make_run):
    made = make_run(cached=("ImdbExampleGen", "StatisticsGen", "Trainer"))
    seen = text_of(write(made, result=dataclasses.replace(made.result, verdict="unchanged")))

    assert "Nothing changed since version 3, which stays live." in seen
    assert "3 of 10 stages from cache" in seen


class Nesting(HTMLParser):
    """Collects end tags that close something else than was opened last."""

    VOID = frozenset({"meta", "br", "img", "link"})

    def __init__(self):
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []

    @classmethod
    def of(cls, page: str) -> list[str]:
        parser = cls()
        parser.feed(page)
        return parser.wrong + parser.open

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> at {self.getpos()}")
