"""`greenlight drift` on a real workspace: files, spans, served requests, and what it says of mistakes."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from waiting import until

from pipeline.config import load
from pipeline.drift import FileInput, ServedInput, compare
from serving.request_log import RequestLog


@pytest.fixture(scope="session")
def snippets(workspace, packaged_rows, write_csv) -> str:
    """300 of the one-sentence critics' snippets of Rotten Tomatoes."""
    return write_csv(workspace.parent / "snippets.csv", packaged_rows("rotten_tomatoes", 300))


@pytest.fixture(scope="session")
def more_of_the_same(workspace, packaged_rows, write_csv) -> str:
    return write_csv(workspace.parent / "imdb.csv", packaged_rows("imdb", 300))


def told(greenlight, *arguments):
    result = greenlight("drift", *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_snippets_differ_from_the_reviews_that_the_model_was_trained_on(greenlight, workspace, snippets):
    found = told(greenlight, snippets, "--workspace", str(workspace))
    assert next(iter(found)) == "drift" and (found["drift"], found["judged"]) == (True, True)
    exceeded = {finding["name"] for finding in found["findings"] if finding["exceeded"]}
    assert {"length", "unknown_words", "predictions", "embedding"} <= exceeded
    assert found["examples"] == 300 and found["version"] == 1
    assert Path(found["page"]).is_file()


def test_more_reviews_of_the_same_kind_do_not(greenlight, workspace, more_of_the_same):
    found = told(greenlight, more_of_the_same, "--workspace", str(workspace))
    assert found["drift"] is False
    assert len(found["findings"]) == 6 and all(each["value"] is not None for each in found["findings"])


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (
            1.0,
            "note  the labels were not compared, because none of them is of a class: ham (150), spam (150); ",
        ),
        (0.1, "note  30 of 300 labels are of no class and count as missing: ham (15), spam (15); "),
    ],
)
def test_labels_of_no_class_are_said_not_to_be_compared(
    share, words, greenlight, workspace, packaged_rows, write_csv, tmp_path
):
    rows = packaged_rows("imdb", 300)
    other = [
        (text, ("ham", "spam")[at % 2] if at < share * 300 else label)
        for at, (text, label) in enumerate(rows)
    ]
    file = write_csv(tmp_path / "other.csv", other)
    result = greenlight("drift", file, "--workspace", str(workspace))
    assert result.exit_code == 0, result.output
    assert words + "the classes of the model are negative, positive; map other labels" in result.stdout


def test_other_classes_than_the_models_are_refused(greenlight, workspace, more_of_the_same):
    names = 'data.classes=["ham", "spam"]'
    result = greenlight("drift", more_of_the_same, "--workspace", str(workspace), "--set", names)
    assert result.exit_code == 2
    assert (
        "data.classes names ham, spam, and the classes of version 1 are negative, positive." in result.stderr
    )


def test_texts_without_labels_are_compared_too(greenlight, workspace, packaged_rows, tmp_path):
    lines = [text.replace("\n", " ") for text, _ in packaged_rows("rotten_tomatoes", 100, seed=2)]
    (tmp_path / "texts.txt").write_text("\n".join(lines), encoding="utf-8")
    found = told(greenlight, "texts.txt", "--workspace", str(workspace))
    assert found["drift"] is True
    judged = {finding["name"]: finding["value"] is not None for finding in found["findings"]}
    assert judged["length"] and not judged["labels"] and not judged["errors"]


def test_the_verdict_for_a_person(greenlight, workspace, snippets):
    result = greenlight("drift", snippets, "--workspace", str(workspace))
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith(f"DRIFT  {snippets} (300 examples) against the training data of version 1 (")
    assert re.match(r"  DRIFT  length +0\.\d{4}  > 0\.\d{4}  median of \d+ words, reference \d+$", lines[1])
    assert lines[-1].startswith("  page  ")


@pytest.mark.parametrize(("differs", "code"), [(True, 4), (False, 0)])
def test_fail_makes_an_exit_code_of_it(greenlight, workspace, snippets, more_of_the_same, differs, code):
    file = snippets if differs else more_of_the_same
    assert greenlight("drift", file, "--workspace", str(workspace), "--fail").exit_code == code


def test_the_page_draws_the_figures_and_names_no_script(greenlight, workspace, snippets):
    page = Path(told(greenlight, snippets, "--workspace", str(workspace))["page"])
    assert page == workspace / "reports" / "drift" / "snippets.csv.html"
    html = page.read_text(encoding="utf-8")
    assert html.count("<svg") == 5 and "<script" not in html
    assert "<h1>Drift</h1>" in html and "median of" in html


def test_a_span_is_compared_by_its_number_also_in_a_workspace_that_was_moved(greenlight, with_spans):
    assert told(greenlight, "1", "--workspace", str(with_spans))["drift"] is False
    found = told(greenlight, "2", "--workspace", str(with_spans))
    assert (found["drift"], found["what"]) == (True, "span 2")


def test_a_span_is_compared_with_a_span(greenlight, with_spans):
    found = told(greenlight, "2", "--against", "1", "--workspace", str(with_spans))
    assert (found["drift"], found["reference"], found["reference_examples"]) == (True, "span 1", 200)
    assert told(greenlight, "1", "--against", "1", "--workspace", str(with_spans))["drift"] is False


def offered(folder, rows):
    """The log of a server that has answered these and goes on."""
    log = RequestLog(folder, share=1.0)
    texts = np.array([text.encode() for text, _ in rows], object)
    outputs = {"probability": np.full(len(rows), 0.5), "label": np.full(len(rows), b"positive", object)}
    log.offer(inputs={"text": texts}, outputs=outputs, version=1, request_id=None)
    return log


def serve(folder, rows):
    offered(folder, rows).close()


def test_served_requests_are_compared_where_nothing_is_named(greenlight, with_spans, packaged_rows):
    folder = with_spans / "requests" / "imdb_sentiment"
    folder.mkdir(parents=True)
    serve(folder, packaged_rows("rotten_tomatoes", 150))
    found = told(greenlight, "--workspace", str(with_spans))
    assert (found["drift"], found["what"], found["examples"]) == (True, "served requests", 150)
    # What the server answered is not taken for a label.
    assert [each["name"] for each in found["findings"] if each["value"] is None] == ["labels", "errors"]


def test_only_requests_since_then_count(workspace, tmp_path, packaged_rows):
    serve(tmp_path, packaged_rows("imdb", 100))
    settings = load(workspace=str(workspace), assignments=[f"serve.request_log_dir={tmp_path}"])
    assert compare(settings, ServedInput(since=0.0)).examples == 100
    with pytest.raises(Exception, match="No request"):
        compare(settings, ServedInput(since=4e9))


def test_of_a_large_file_a_sample_is_looked_at(workspace, more_of_the_same):
    settings = load(workspace=str(workspace), assignments=["drift.max_examples=100"])
    report = compare(settings, FileInput(more_of_the_same))
    assert (report.examples, report.reference_examples) == (100, 100)
    assert "100 of 300 examples were sampled (drift.max_examples)" in report.notes


def test_reviews_that_the_model_was_trained_on_are_noted(workspace, tmp_path, packaged_rows, write_csv):
    from components.drift import examples
    from components.drift.texts import sampled
    from pipeline.drift import live_version
    from pipeline.workspace.layout import Workspace
    from pipeline.workspace.training_data import examples_of

    settings = load(workspace=str(workspace))
    folder = str(examples_of(live_version(settings), Workspace.at(workspace)))
    known = sampled(examples.reviews_of(folder, "train"), most=50)
    file = write_csv(tmp_path / "known.csv", zip(known.texts, map(str, known.labels), strict=True))
    report = compare(settings, FileInput(file))
    assert report.notes == (
        "the model was trained on 50 of the examples; its predictions are compared on the other 0",
    )
    assert not report.drift


def test_too_few_reviews_to_judge_are_not_called_no_drift(
    greenlight, workspace, tmp_path, packaged_rows, write_csv
):
    file = write_csv(tmp_path / "few.csv", packaged_rows("rotten_tomatoes", 10))
    result = greenlight("drift", file, "--workspace", str(workspace), "--fail")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"TOO FEW EXAMPLES to tell  {file} (10 examples) against ")
    found = told(greenlight, file, "--workspace", str(workspace))
    assert (found["drift"], found["judged"]) == (False, False)
    assert found["notes"][-1] == (
        "no figure could be judged, so nothing is known of drift: more examples are needed"
    )
    assert "<h1>Too few examples to tell</h1>" in Path(found["page"]).read_text(encoding="utf-8")


def test_rows_that_are_not_utf8_are_noted_and_where_there_are_no_others_refused(
    greenlight, workspace, tmp_path
):
    (tmp_path / "some.txt").write_bytes(b"a fine film\ncaf\xe9\n")
    found = told(greenlight, "some.txt", "--workspace", str(workspace))
    assert (found["examples"], found["notes"][0]) == (1, "1 rows that are not UTF-8 were left out")
    (tmp_path / "none.csv").write_bytes("text,label\ncafé,1\n".encode("latin-1"))
    result = greenlight("drift", "none.csv", "--workspace", str(workspace))
    assert (result.exit_code, "Save the file as UTF-8" in result.stderr) == (2, True)


def test_the_account_of_the_rows_is_in_json_on_the_console_and_on_the_page(
    greenlight, workspace, tmp_path, packaged_rows, write_csv
):
    rows = packaged_rows("rotten_tomatoes", 30)
    file = write_csv(tmp_path / "some.csv", [*rows, rows[0], ("", "1"), (rows[1][0], "maybe")])
    found = told(greenlight, file, "--workspace", str(workspace))
    assert found["data"] == {
        "rows": 33,
        "used": 32,
        "beyond_limit": 0,
        "duplicates": 2,
        "set_aside": 0,
        "left_out": {"empty text": 1},
        "left_out_labels": {},
        "first_left_out": [f"{file}:33: empty text"],
    }
    assert found["reference_data"] is None
    words = "33 rows read, 32 compared (2 of them duplicates), 1 left out (1 empty text)"
    result = greenlight("drift", file, "--workspace", str(workspace))
    assert f"  rows  {words}\n    {file}:33: empty text\n" in result.stdout
    page = Path(found["page"]).read_text(encoding="utf-8")
    assert words.replace("compared", "used") in page and f"{file}:33: empty text" in page


def test_a_sample_and_both_spans_have_their_accounts(greenlight, with_spans):
    arguments = ["1", "--against", "2", "--workspace", str(with_spans), "--set", "drift.max_examples=150"]
    found = told(greenlight, *arguments)
    for account in (found["data"], found["reference_data"]):
        assert (account["rows"], account["used"], account["beyond_limit"]) == (200, 150, 50)
    shown = greenlight("drift", *arguments).stdout
    assert "  rows  200 rows read, 150 compared, 50 beyond drift.max_examples\n" in shown
    assert "  rows of span 2  200 rows read, 150 compared" in shown


def test_requests_in_a_file_that_is_still_being_written_are_announced(
    greenlight, with_spans, tmp_path, packaged_rows
):
    log = offered(tmp_path, packaged_rows("imdb", 3))
    until(lambda: list(tmp_path.glob(".writing-*")))
    setting = f"serve.request_log_dir={tmp_path}"
    result = greenlight("drift", "--workspace", str(with_spans), "--set", setting)
    log.close()
    assert result.exit_code == 2
    assert " is still being written. A file can be read once it is finished, 60 seconds" in result.stderr


# --- mistakes


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing.csv"], "Error: There is no file nothing.csv. Give a file of texts, a pattern"),
        (["7"], "Error: There is no span 7 at {ws}/spans/span-{{SPAN}}/*; there is none at all."),
        ([], "Error: No request of the last 168 hours is in {ws}/requests/imdb_sentiment. "),
        (["--against", "first"], "Error: --against 'first': expected the number of a span, such as 3."),
    ],
)
def test_what_is_not_there_is_said(greenlight, workspace, arguments, said):
    result = greenlight("drift", *arguments, "--workspace", str(workspace))
    assert result.exit_code == 2
    assert result.stderr.startswith(said.format(ws=workspace))


def test_without_a_live_model_there_is_nothing_to_compare_with(greenlight, tmp_path, snippets):
    result = greenlight("drift", snippets, "--workspace", "empty")
    assert result.exit_code == 2
    assert result.stderr == (
        "Error: No version of imdb_sentiment is live in empty, so there is nothing to compare with. "
        "`greenlight run` promotes one; --workspace looks elsewhere.\n"
    )
    assert not (tmp_path / "empty").exists()


def test_a_file_without_the_text_column_is_refused_with_the_remedy(greenlight, workspace, tmp_path):
    (tmp_path / "a.csv").write_text("review\nfine\n")
    result = greenlight("drift", "a.csv", "--workspace", str(workspace))
    assert result.exit_code == 2
    assert "--set data.text_column=NAME" in result.stderr
