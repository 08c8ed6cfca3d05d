"""A writer that dies at any of its system calls leaves the store as it was, or as it was meant to become."""

import pytest

# What the store must be seen as, after some of the deaths, for the deaths to have been worth anything.
SEEN = {
    "first push": {"", "1 live"},
    "push": {"2 live | 1", "3 live | 2 | 1"},
    "rollback": {"3 live | 2 | 1", "3 rolled-back | 2 live | 1"},
    "rollback past a damaged version": {
        "3 live | 2 | 1",
        "3 live | 2 set-aside | 1",
        "3 rolled-back | 2 set-aside | 1 live",
    },
    "rollback of a model pushed twice": {
        "3 live | 2 | 1",
        "3 rolled-back | 2 live | 1",
        "3 rolled-back | 2 live | 1 rolled-back",
    },
    "prune": {"3 live | 2 | 1", "3 live | 2", "3 live"},
}


@pytest.mark.parametrize("action", SEEN)
def test_killed_before_each_call(drive, action):
    report = drive("fault_at_each_call.py", action, "crash")
    assert report["faults"] >= 25
    assert set(report["states"]) == SEEN[action]
    assert set(report["said"]) == {"crashed"}


def test_killed_in_the_middle_of_each_write(drive):
    report = drive("fault_at_each_call.py", "push", "tear")
    assert set(report["states"]) == SEEN["push"]
