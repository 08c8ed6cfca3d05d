"""kill -9 at random instants of a process that pushes, promotes, rolls back and prunes."""


def test_store_survives_240_kills(drive):
    report = drive("kill_at_random.py", "240", "1")
    assert report["kills"] == 240
    assert all(report.get(f"cut {action}", 0) >= 5 for action in ("push", "promote", "rollback", "prune")), (
        report
    )
    assert report["highest"] > 5
