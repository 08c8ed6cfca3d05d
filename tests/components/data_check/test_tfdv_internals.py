"""TFDV's undocumented functions that StatisticsGen uses are as it uses them: see docs/private-apis.md."""

import inspect

import pytest
from tensorflow_data_validation.statistics import stats_impl

PAGE = "see docs/private-apis.md and components/data_check/statistics.py"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("get_generators", ["options", "in_memory"]),
        ("extract_statistics_output", ["partial_stats", "stats_generators"]),
    ],
)
def test_the_function_is_there_and_takes_what_it_is_given(name, arguments):
    function = getattr(stats_impl, name, None)
    assert function is not None, f"TFDV's stats_impl has no {name} any more; {PAGE}"
    found = list(inspect.signature(function).parameters)
    assert found[: len(arguments)] == arguments, f"TFDV's {name} takes {found}; {PAGE}"
