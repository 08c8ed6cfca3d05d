"""Which spans are found, and which of them a run takes."""

import os
from pathlib import Path
from unittest import mock

import pytest
from apache_beam.io.filesystem import FileMetadata
from hypothesis import given
from hypothesis import strategies as st

from components.errors import InputError
from components.example_gen.settings import DataSettings
from components.example_gen.sources import spans as span_sources
from components.example_gen.sources.spans import Span, choose, chosen, find, in_words, newest_versions
from components.example_gen.span_pattern import LARGEST

numbers = st.sets(st.integers(1, 60), min_size=1, max_size=12)


def spans(found) -> list[Span]:
    return [Span(number, None, ()) for number in sorted(found)]


def taken(found, **told) -> list[int]:
    settings = DataSettings(source="files:span-{SPAN}/*", **told)
    return [span.number for span in choose(spans(found), settings)]


@given(numbers, st.integers(1, 20))
def test_a_window_is_the_last_spans_that_are_there(found, window):
    assert taken(found, window=window) == sorted(found)[-window:]


@given(numbers)
def test_without_a_window_every_span_is_taken(found):
    assert taken(found) == sorted(found)


@given(numbers, st.integers(1, 20), st.data())
def test_an_earlier_run_is_repeated_by_its_newest_span_whatever_came_since(found, window, data):
    newest = data.draw(st.sampled_from(sorted(found)))
    then = {number for number in found if number <= newest}
    assert taken(found, span=newest, window=window) == taken(then, window=window)


@given(numbers, st.data())
def test_spans_to_leave_out_make_room_for_older_ones(found, data):
    out = data.draw(st.sets(st.sampled_from(sorted(found)), max_size=len(found) - 1))
    assert taken(found, without_spans=tuple(out), window=3) == sorted(found - out)[-3:]


@given(numbers)
def test_spans_in_words_name_each_number_once(found):
    told = in_words(found).split(" ", 1)[1]
    named = []
    for part in told.split(", "):
        first, _, last = part.partition("-")
        named += range(int(first), int(last or first) + 1)
    assert named == sorted(found)


@pytest.mark.parametrize(
    ("found", "with_base", "words"),
    [
        ([3], False, "span 3"),
        ([5, 6, 7, 8], True, "spans 5-8 and the packaged base"),
        ([9, 1, 2], False, "spans 1-2, 9"),
        ([1, 3], True, "spans 1, 3 and the packaged base"),
    ],
)
def test_spans_in_words(found, with_base, words):
    assert in_words(found, with_base=with_base) == words


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"span": 6}, r"data\.span: there is no span 6; there is: spans 5, 7-8\."),
        ({"span": 7, "without_spans": (7,)}, r"data\.span: there is no span 7; there is: spans 5, 8\."),
        ({"without_spans": (5, 7, 8)}, r"there is no span at .* beside those of data\.without_spans\."),
    ],
)
def test_a_choice_that_leaves_nothing_is_answered(told, message):
    with pytest.raises(InputError, match=message):
        taken({5, 7, 8}, **told)


@pytest.fixture
def make(tmp_path):
    def touch(*names: str) -> Path:
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path

    return touch


def test_hidden_files_and_folders_and_empty_folders_are_no_spans(make):
    folder = make(
        "span-1/a.csv", "span-1/.a.csv.part", "span-2/.incoming", ".incoming-3/a.csv", "span-x/a.csv", "a.csv"
    )
    (folder / "span-4").mkdir()
    (folder / "span-5" / "folder").mkdir(parents=True)
    assert [(span.number, span.paths) for span in find(f"{folder}/span-{{SPAN}}/*")] == [
        (1, [f"{folder}/span-1/a.csv"])
    ]


def test_of_versions_the_newest_is_taken_and_all_are_found(make):
    folder = make("span-1/v9/a", "span-1/v10/a", "span-1/v10/b", "span-2/v1/a")
    found = find(f"{folder}/span-{{SPAN}}/v{{VERSION}}/*")
    assert [str(span) for span in found] == ["1 version 9", "1 version 10", "2 version 1"]
    newest = newest_versions(found)
    assert [(span.number, span.version, len(span.files)) for span in newest] == [(1, 10, 2), (2, 1, 1)]


@pytest.mark.parametrize(
    ("names", "pattern", "message"),
    [
        (["span-0/a"], "span-{SPAN}/*", "span-0/a is of no span: spans are numbered from 1"),
        (["span-100/a"], "span-{SPAN:2}/*", "span-100/a is of no span: its number does not have the width"),
        ([f"span-{LARGEST + 1}/a"], "span-{SPAN}/*", "is of no span: its number is larger than"),
        (["span-1/a", "span-01/a"], "span-{SPAN}/*", "duplicate span 1: .* and .*. Remove one."),
    ],
)
def test_a_span_that_would_silently_be_left_out_is_an_error(make, names, pattern, message):
    folder = make(*names)
    with pytest.raises(InputError, match=message):
        find(f"{folder}/{pattern}")


def test_a_stamp_tells_a_change_of_size_name_or_time(make):
    folder = make("span-1/a.csv")
    (path,) = (folder / "span-1").iterdir()

    def stamp() -> str:
        (span,) = find(f"{folder}/span-{{SPAN}}/*")
        return span.stamp

    stamps = [stamp(), stamp()]
    assert stamps[0] == stamps[1]
    path.write_text("text,label\n")
    stamps.append(stamp())
    os.utime(path, (1, 1))
    stamps.append(stamp())
    path.rename(path.with_name("b.csv"))
    stamps.append(stamp())
    assert len(set(stamps)) == 4


def test_spans_elsewhere_are_found_through_beam(monkeypatch):
    names = ["span-1/a.csv", "span-2/.part", "span-2/b.csv", ".tmp/span-3/c.csv"]
    there = [FileMetadata(f"gs://bucket/{name}", 9, 1.5) for name in names]
    asked = mock.Mock(return_value=there)
    monkeypatch.setattr(span_sources, "match", asked)
    found = find("gs://bucket/span-{SPAN}/*.csv")
    assert [(span.number, span.paths, span.size) for span in found] == [
        (1, ["gs://bucket/span-1/a.csv"], 9),
        (2, ["gs://bucket/span-2/b.csv"], 9),
    ]
    asked.assert_called_once_with("gs://bucket/span-*/*.csv")


def test_a_place_that_beam_has_to_be_asked_for_is_an_input_error():
    with pytest.raises(InputError, match=r"tape://reel/span-\*/a cannot be looked up"):
        find("tape://reel/span-{SPAN}/a")


def test_other_sources_have_no_spans():
    assert chosen(DataSettings()) == []


@pytest.mark.parametrize(
    "told", [{"window": 2}, {"span": 1}, {"without_spans": (1,)}, {"with_base": True}], ids=str
)
def test_what_is_said_of_spans_to_a_source_without_them_is_refused(told):
    (name,) = told
    with pytest.raises(
        ValueError, match=f"{name} can be set for a source with spans only; 'packaged' has none"
    ):
        DataSettings(**told)
    assert DataSettings(source="spans", **told)
