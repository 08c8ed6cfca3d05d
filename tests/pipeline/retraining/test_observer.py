"""The observation of spans: never half a file, by a monotonic clock."""

import os

import pytest

from pipeline.config import load
from pipeline.retraining.observer import SpanObserver


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def spans(tmp_path):
    steady, wall = Clock(), Clock()
    settings = load(
        assignments=[f"data.source=files:{tmp_path}/span-{{SPAN}}/*.csv", "retrain.settle_seconds=10"]
    )
    return SpanObserver(settings, clock=steady, wall_clock=wall), steady, wall, tmp_path


def write(folder, number, text, *, modified):
    file = folder / f"span-{number}" / "reviews.csv"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    os.utime(file, (modified, modified))


def ready(spans):
    return [(span.key.number, span.ready) for span in spans.observe()]


def test_a_file_that_was_there_long_ago_counts_at_once(spans):
    spans, _, wall, folder = spans
    write(folder, 1, "whole", modified=wall.now - 60)
    assert ready(spans) == [(1, True)]


def test_a_file_that_grows_does_not_count_until_it_has_not_changed_for_a_while(spans):
    spans, steady, wall, folder = spans
    for size in range(1, 5):
        write(folder, 1, "x" * size, modified=wall.now)
        assert ready(spans) == [(1, False)]
        steady.now += 9
        wall.now += 9
    assert ready(spans) == [(1, False)]
    steady.now += 1
    assert ready(spans) == [(1, True)]


@pytest.mark.parametrize("jump", [-1e9, 1e9])
def test_setting_the_clock_makes_no_half_file_whole(spans, jump):
    spans, steady, wall, folder = spans
    write(folder, 1, "half", modified=wall.now)
    assert ready(spans) == [(1, False)]
    wall.now += jump
    assert ready(spans) == [(1, False)]
    steady.now += 10
    assert ready(spans) == [(1, True)]


def test_a_file_from_the_future_settles_as_any_other(spans):
    spans, steady, wall, folder = spans
    write(folder, 1, "whole", modified=wall.now + 86_400)
    assert ready(spans) == [(1, False)]
    steady.now += 10
    assert ready(spans) == [(1, True)]


def test_a_span_that_changes_after_it_counted_waits_again_though_its_time_is_old(spans):
    spans, _, wall, folder = spans
    write(folder, 1, "whole", modified=wall.now - 60)
    assert ready(spans) == [(1, True)]
    write(folder, 1, "other", modified=wall.now - 50)
    assert ready(spans) == [(1, False)]


def test_the_fingerprint_is_the_contents_whatever_the_files_are_called(spans):
    spans, _, wall, folder = spans
    write(folder, 1, "whole", modified=wall.now - 60)
    write(folder, 2, "whole", modified=wall.now - 70)
    write(folder, 3, "other", modified=wall.now - 70)
    one, two, three = (span.key.fingerprint for span in spans.observe())
    assert one == two != three


def test_what_the_settings_leave_out_is_not_seen(tmp_path):
    for number in (1, 2, 3, 4):
        write(tmp_path, number, "whole", modified=1)
    settings = load(
        assignments=[
            f"data.source=files:{tmp_path}/span-{{SPAN}}/*.csv",
            "data.without_spans=[2]",
            "data.span=3",
        ]
    )
    assert [span.key.number for span in SpanObserver(settings).observe()] == [1, 3]


def test_a_source_of_single_files_has_no_spans(tmp_path):
    settings = load(assignments=[f"workspace={tmp_path}", f"data.source=files:{tmp_path}/*.csv"])
    assert SpanObserver(settings).observe() == []
