"""Several processes at one store at once."""


def test_pushes_of_different_models_get_each_a_number(drive):
    report = drive("crowd.py", "different")
    assert report["versions"] == list(range(1, 21))
    assert report["store"][0] == "20 live"


def test_pushes_of_the_same_model_make_one_version(drive):
    report = drive("crowd.py", "same")
    assert report["outcomes"] == {"pushed": 1, "unchanged": 3}
    assert report["store"] == ["1 live"]


def test_readers_always_find_a_whole_live_version(drive):
    assert drive("crowd.py", "readers")["looks"] >= 10


def test_slow_push_holds_up_no_rollback(drive):
    report = drive("crowd.py", "slow")
    assert report["rollback_seconds"] < 5
    assert report["pushed"] == ["pushed", 4]
    assert report["store"] == ["4 live", "3", "2 rolled-back", "1"]
