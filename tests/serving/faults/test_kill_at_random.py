"""kill -9 at random instants of a process that pushes, promotes, rolls back and prunes: 240 times in all."""

import pytest


@pytest.mark.parametrize(
    "seed", ["1", *(pytest.param(seed, marks=pytest.mark.proof) for seed in ("2", "3", "4"))]
)
def test_store_survives_60_kills(drive, seed):
    report = drive("kill_at_random.py", "60", seed)
    assert report["kills"] == 60
    assert all(report.get(f"cut {action}") for action in ("push", "promote", "rollback", "prune")), report
