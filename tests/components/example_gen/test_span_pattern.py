"""The specs of spans and versions in a pattern; what TFX makes of them, we make of them."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tfx.components.example_gen import utils
from tfx.proto import example_gen_pb2

from components.example_gen.sources.spans import find, newest_versions
from components.example_gen.span_pattern import LARGEST, Misfit, SpanKey, SpanPattern, has_specs

PIECES = ["{SPAN}", "{SPAN:2}", "{VERSION}", "{VERSION:3}", "{YYYY}", "{MM}", "{DD}", "x", "-", "/"]
numbers = st.integers(1, LARGEST)


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("{SPAN}/{SPAN:2}/a.csv", r"\{SPAN\} stands in it 2 times, not once"),
        ("{SPAN}/{VERSION}{VERSION}", r"\{VERSION\} stands in it 2 times, not once"),
        ("v{VERSION}/a.csv", r"\{VERSION\} is of a span: \{SPAN\} is missing"),
        ("{YYYY}-{MM}/a.csv", r"a date needs all three of \{YYYY\}, \{MM\} and \{DD\}"),
        ("{SPAN}/{YYYY}-{MM}-{DD}", r"either \{SPAN\} or a date can say the span, not both"),
        ("{SPAN:0}/a", r"the width in \{SPAN:0\} has to be a whole number from 1 to 99"),
        ("{SPAN:-1}/a", r"the width in \{SPAN:-1\} has to"),
        ("{SPAN:two}/a", r"the width in \{SPAN:two\} has to"),
        ("{SPAN}/{VERSION:}/a", r"the width in \{VERSION:\} has to"),
    ],
)
def test_a_pattern_that_makes_no_sense_is_refused_with_the_reason(pattern, why):
    with pytest.raises(ValueError, match=why):
        SpanPattern(pattern)


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join))
def test_tfx_refuses_the_same_patterns(pattern):
    assume(has_specs(pattern))
    assert refuses(SpanPattern, pattern) == refuses(
        utils.verify_split_pattern_specs, example_gen_pb2.Input.Split(name="s", pattern=pattern)
    )


def refuses(check, value) -> bool:
    try:
        check(value)
    except ValueError:
        return True
    return False


@given(numbers, st.integers(0, LARGEST))
def test_a_filled_pattern_tells_what_it_was_filled_with(number, version):
    for text in ("/a/span-{SPAN}/v{VERSION}.csv", "/a/{SPAN:16}-{VERSION:16}/[ab]?.csv"):
        pattern = SpanPattern(text)
        path = pattern.filled(SpanKey(number, version)).replace("[ab]?", "a1")
        assert pattern.key(path) == SpanKey(number, version)


@given(st.integers(1, 99_999))
def test_a_date_is_the_number_of_its_day(number):
    pattern = SpanPattern("/a/{YYYY}/{MM}-{DD}.csv")
    path = pattern.filled(SpanKey(number))
    assert pattern.key(path) == SpanKey(number)
    year, month, day = utils.span_number_to_date(number)
    assert path == f"/a/{year}/{month:02}-{day:02}.csv"


@given(
    template=st.sampled_from(["span-{}/v{}/a.csv", "{}/{}.csv", "s{}_{}x/reviews.csv"]),
    widths=st.sampled_from([("", ""), (":3", ""), (":3", ":2")]),
    keys=st.sets(st.tuples(st.integers(1, 999), st.integers(0, 99)), min_size=1, max_size=6),
)
@settings(max_examples=40, deadline=None)
def test_tfx_finds_the_same_newest_span_and_version(template, widths, keys):
    pattern = template.format(f"{{SPAN{widths[0]}}}", f"{{VERSION{widths[1]}}}")
    with tempfile.TemporaryDirectory() as folder:
        for number, version in keys:
            path = Path(folder, SpanPattern(pattern).filled(SpanKey(number, version)))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        splits = [example_gen_pb2.Input.Split(name="s", pattern=pattern)]
        _, number, version = utils.calculate_splits_fingerprint_span_and_version(folder, splits)
        ours = newest_versions(find(f"{folder}/{pattern}"))[-1]
        assert (ours.number, ours.version) == (number, version)
        assert ours.paths == [f"{folder}/{splits[0].pattern}"]


@pytest.mark.parametrize(
    "path", ["/a/span-/x", "/a/span-1.tmp/x", "/a/span-old/x", "/a/span-1/y/x", "/a/span-٣/x", "/a/span-+1/x"]
)
def test_what_has_no_number_is_no_span(path):
    assert SpanPattern("/a/span-{SPAN}/*").key(path) is None


@pytest.mark.parametrize(
    ("pattern", "path", "why"),
    [
        ("/span-{SPAN}/*", "/span-0/x", "spans are numbered from 1"),
        ("/span-{SPAN}/*", f"/span-{LARGEST + 1}/x", r"its number is larger than 9,007,199,254,740,991"),
        ("/span-{SPAN}/*", f"/span-{'9' * 200}/x", "its number is larger than"),
        ("/span-{SPAN}/{VERSION}", f"/span-1/{LARGEST + 1}", "its number is larger than"),
        ("/span-{SPAN:2}/*", "/span-100/x", r"does not have the width that /span-\{SPAN:2\}/\* asks for"),
        ("/span-{SPAN:2}/*", "/span-1/x", "does not have the width"),
        ("/{YYYY}-{MM}-{DD}/*", "/2026-02-31/x", "2026-02-31 is not a date"),
    ],
)
def test_a_number_that_cannot_be_one_is_a_misfit(pattern, path, why):
    with pytest.raises(Misfit, match=why):
        SpanPattern(pattern).key(path)


def test_a_number_without_room_is_refused():
    with pytest.raises(ValueError, match=r"100 has more digits than \{SPAN:2\} leaves room for"):
        SpanPattern("span-{SPAN:2}").filled(SpanKey(100))
