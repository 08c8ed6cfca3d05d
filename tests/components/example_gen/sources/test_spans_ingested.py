"""Spans through real Beam: which reviews come out, of which span, and what is noted of it."""

import json
from collections import Counter

import pytest
import tensorflow as tf

from components.errors import GreenlightError, InputError
from components.example_gen.settings import DataSettings
from components.example_gen.sources import parts as sources
from components.example_gen.sources import spans
from components.example_gen.sources.packaged import PackagedPart
from components.example_gen.splits import digest, splitter
from components.reviews import normalize


def span_of(record: bytes) -> tuple[str, int, int]:
    feature = tf.train.Example.FromString(record).features.feature
    return (
        feature["text"].bytes_list.value[0].decode(),
        feature["label"].int64_list.value[0],
        feature["span"].int64_list.value[0],
    )


def reviews_of(generated) -> list[tuple[str, int, int]]:
    return sorted(span_of(record) for split in generated.splits for record in generated.records(split))


@pytest.fixture
def three_spans(write_csv, tmp_path) -> str:
    """Spans 1, 2 and 4; "fine" came with the first two, labeled differently."""
    write_csv("spans/span-1/a.csv", [("fine", 1), ("dull", 0), ("one", 1), ("one", 1)])
    write_csv("spans/span-2/a.csv", [("FINE ", 0), ("two", 1)])
    write_csv("spans/span-4/a.csv", [("four", 1), ("dim", 0)])
    write_csv("spans/span-4/b.csv", [("more", 1)])
    return f"files:{tmp_path}/spans/span-{{SPAN}}/*.csv"


def test_every_review_knows_its_span_and_a_text_that_came_twice_is_the_newer_ones(generate, three_spans):
    generated = generate(DataSettings(source=three_spans))
    assert reviews_of(generated) == sorted(
        [
            ("dull", 0, 1),
            ("one", 1, 1),
            ("one", 1, 1),
            ("FINE ", 0, 2),
            ("two", 1, 2),
            ("four", 1, 4),
            ("dim", 0, 4),
            ("more", 1, 4),
        ]
    )
    assert (generated.reading["taken"], generated.reading["set_aside"], generated.reading["rows"]) == (
        8,
        1,
        9,
    )


def test_the_artifact_says_which_spans_are_in_it(generate, three_spans):
    artifact = generate(DataSettings(source=three_spans, window=2)).artifact
    assert artifact.get_int_custom_property("span") == 4
    noted = json.loads(artifact.get_string_custom_property("spans"))
    assert [(span["span"], span["version"]) for span in noted] == [(2, None), (4, None)]
    assert artifact.get_int_custom_property("with_base") == 0


def test_a_source_without_spans_has_span_0(generated):
    assert {span for _, _, span in reviews_of(generated)} == {0}
    assert generated.artifact.get_int_custom_property("span") == 0
    assert not generated.artifact.has_custom_property("spans")


def test_a_limit_counts_what_is_left_without_copies(generate, three_spans):
    few = generate(DataSettings(source=three_spans, limit=7))
    assert len(reviews_of(few)) == 7
    again = generate(DataSettings(source=three_spans, limit=7))
    assert reviews_of(few) == reviews_of(again)


@pytest.fixture(scope="module")
def with_base(generate, tmp_path_factory):
    """The packaged base and a span that repeats, with the wrong label, one of its test reviews."""
    settings = DataSettings()
    share = splitter(settings)
    repeated = next(
        review
        for review in PackagedPart().rows()
        if share.split_of(digest(normalize(review.text), salt=settings.split_salt)) == "test"
    )
    folder = tmp_path_factory.mktemp("base") / "span-7"
    folder.mkdir()
    lines = [{"text": repeated.text.upper(), "label": 1 - repeated.label}, {"text": "new", "label": 1}]
    (folder / "a.jsonl").write_text("\n".join(map(json.dumps, lines)))
    source = f"files:{folder.parent}/span-{{SPAN}}/*"
    return generate(DataSettings(source=source, with_base=True)), repeated


@pytest.mark.proof
def test_the_base_keeps_its_splits_to_the_review_and_its_labels(with_base):
    generated, repeated = with_base
    found = {split: [span_of(record) for record in generated.records(split)] for split in generated.splits}
    base = {split: sum(span == 0 for *_, span in rows) for split, rows in found.items()}
    assert base == {"train": 15_000, "eval": 5_000, "test": 5_000}
    same = [row for rows in found.values() for row in rows if normalize(row[0]) == normalize(repeated.text)]
    assert same == [(repeated.text, repeated.label, 0)]
    assert Counter(span for rows in found.values() for *_, span in rows) == {0: 25_000, 7: 1}
    assert generated.reading["set_aside"] == 1


def test_a_pattern_without_any_span_is_answered_with_what_to_do(generate, tmp_path):
    with pytest.raises(InputError, match=r"there is no span at .*`greenlight data add FILE` adds one"):
        generate(DataSettings(source=f"files:{tmp_path}/span-{{SPAN}}/*"))


def test_a_span_that_comes_after_the_driver_has_chosen_waits_for_the_next_run(generate, three_spans):
    generated = generate(DataSettings(source=three_spans), spans="[[1, null], [2, null]]")
    assert {span for *_, span in reviews_of(generated)} == {1, 2}
    assert generated.artifact.get_int_custom_property("span") == 2


def test_a_span_that_goes_away_meanwhile_is_answered(generate, three_spans):
    with pytest.raises(InputError, match=r"span 3 went away while the run was starting\. Run again\."):
        generate(DataSettings(source=three_spans), spans="[[3, null], [4, null]]")


def test_half_a_span_is_never_kept_under_the_fingerprint_of_the_whole(generate, three_spans):
    settings = DataSettings(source=three_spans)
    fingerprint = sources.fingerprint(settings, spans.chosen(settings))
    assert reviews_of(generate(settings, input_fingerprint=fingerprint))
    with pytest.raises(GreenlightError, match=r"was written to while it was read.* Run again when"):
        generate(settings, input_fingerprint="spans:of-another-content")


def test_a_malformed_span_stops_the_run_and_is_named(generate, three_spans, tmp_path):
    (tmp_path / "spans/span-5").mkdir()
    (tmp_path / "spans/span-5/a.csv").write_bytes(b"")
    with pytest.raises(InputError, match=r"span-5/a\.csv is empty; its first line has to name the columns"):
        generate(DataSettings(source=three_spans))
    assert reviews_of(generate(DataSettings(source=three_spans, without_spans=(5,))))
