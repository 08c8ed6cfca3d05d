"""Ratios against their limits, and tables."""

import sys

import pytest

from benchmarks.figures import COST_HEADER, Figure, cost_row, median, table
from benchmarks.processes import CommandFailed, Cost, run


def costs(*seconds):
    return [Cost(seconds=value, cpu=2 * value, peak_mib=100 * value) for value in seconds]


def test_the_median_of_three_rounds_is_the_middle_one():
    assert median(costs(9, 1, 2)) == 2
    assert median(costs(9, 1, 2), "cpu") == 4


@pytest.mark.parametrize(("value", "holds"), [(0.899, True), (0.9, True), (0.901, False)])
def test_a_figure_holds_up_to_its_limit(value, holds):
    figure = Figure(name="ratio", value=value, limit=0.9)
    assert figure.holds is holds
    assert figure.cells[2] == ("holds: at most 0.9" if holds else "MISSED: at most 0.9")


def test_a_figure_without_a_limit_is_only_shown():
    assert Figure(name="ratio", value=7.0).cells == ("ratio", "7.00", "")


def test_a_table_is_aligned_markdown():
    rendered = table(COST_HEADER, [cost_row("notebook script", costs(80, 82, 81))])
    head, rule, row = rendered.splitlines()
    assert len(head) == len(rule) == len(row)
    assert row == "| notebook script | 81.0    | 162.0       | 8,100    | 80.0 82.0 81.0 |"


def test_a_process_is_measured_with_what_it_printed():
    cost = run([sys.executable, "-c", "print(len(bytearray(50 * 2**20)))"])
    assert cost.output == "52428800\n"
    assert 0 < cost.cpu < 60 and cost.seconds > 0
    assert cost.peak_mib > 50  # with what this process held when it started the other


def test_a_command_that_ends_otherwise_than_expected_is_quoted():
    with pytest.raises(CommandFailed, match=r"ended with 3, not 0:\nno such film"):
        run([sys.executable, "-c", "import sys; print('no such film'); sys.exit(3)"])
    assert run([sys.executable, "-c", "raise SystemExit(3)"], exit_code=3).output == ""
