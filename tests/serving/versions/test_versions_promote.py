"""Promoting an older or rolled-back version: its model goes live under the next number."""

import pytest

from serving.errors import StoreInputError
from serving.store.manifest import Facts


@pytest.fixture
def two(store, make_model):
    """A store with versions 1 and 2 of models a and b."""
    store.push(make_model("a"), Facts(metrics={"accuracy": 0.8}, run_id="first"))
    store.push(make_model("b"), Facts())
    return store


def test_older_version_goes_live_under_the_next_number(two, root):
    result = two.promote(1, "b is slow")
    assert (result.outcome, result.version) == ("pushed", 3)
    live = two.live()
    assert (live.number, live.manifest.promoted_from, live.digest) == (3, 1, two.versions()[-1].digest)
    assert (live.metrics, live.manifest.facts.run_id) == ({"accuracy": 0.8}, "first")
    assert (root / "3" / "saved_model.pb").stat().st_ino != (root / "1" / "saved_model.pb").stat().st_ino
    assert two.verify(3) == []


def test_what_a_person_promoted_over_is_not_pushed_again_but_can_be_promoted(two, make_model):
    two.promote(1)
    answer = two.push(make_model("b"), Facts())
    assert (answer.outcome, answer.version, two.live().number) == ("rejected", 2, 3)
    assert answer.reason == (
        "this very model was version 2, before a person made version 3 live instead; "
        "`greenlight promote 2` makes it live nevertheless"
    )
    assert two.promote(2).version == 4
    assert two.push(make_model("b"), Facts()).outcome == "unchanged"


def test_what_a_person_promoted_over_is_not_pushed_again_after_its_files_were_pruned(two, make_model):
    two.promote(1)
    assert two.prune(1) == [1, 2]
    answer = two.push(make_model("b"), Facts())
    assert (answer.outcome, answer.version, two.live().number) == ("rejected", 2, 3)
    assert answer.reason.endswith("before a person made version 3 live instead; its files were pruned since")


def test_a_promotion_counts_until_a_new_model_is_pushed(two, make_model):
    two.promote(1)
    assert two.push(make_model("c"), Facts()).version == 4
    assert two.push(make_model("b"), Facts()).version == 5


def test_damaged_promoted_version_is_healed_by_a_push_of_its_model(two, make_model, root):
    two.promote(1)
    (root / "3" / "fingerprint.pb").write_text("x")
    assert two.push(make_model("a"), Facts()).version == 4


def test_live_version_is_unchanged(two):
    assert two.promote(2).outcome == "unchanged"
    assert [version.number for version in two.versions()] == [2, 1]


def test_rolled_back_version_goes_live_and_its_model_is_accepted_again(two, make_model):
    two.rollback("by mistake")
    assert two.promote(2, "it was the network").version == 3
    assert two.push(make_model("b"), Facts()).outcome == "unchanged"
    assert [(version.number, version.state) for version in two.versions()] == [
        (3, "live"),
        (2, "rolled-back"),
        (1, "previous"),
    ]


def test_promoted_version_can_be_rolled_back(two):
    two.promote(1)
    assert two.rollback().live == 2
    assert [(version.number, version.state) for version in two.versions()] == [
        (3, "rolled-back"),
        (2, "live"),
        (1, "rolled-back"),
    ]


def test_damaged_version_is_not_promoted(two, root):
    (root / "1" / "fingerprint.pb").write_text("x")
    with pytest.raises(
        StoreInputError, match=r"nothing was promoted: version 1: fingerprint\.pb was changed"
    ):
        two.promote(1)


def test_unknown_version_is_not_promoted(two):
    with pytest.raises(StoreInputError, match=r"version 9 is not in .*; there are: 2, 1"):
        two.promote(9)


def test_history_tells_what_was_done_and_why(two):
    two.promote(1, "b is slow")
    two.rollback("a is worse")
    told = [(event.action, event.version, event.origin, event.why) for event in two.history()]
    assert told == [
        ("push", 1, None, ""),
        ("push", 2, None, ""),
        ("promote", 3, 1, "b is slow"),
        ("rollback", 3, None, "a is worse"),
        ("rollback", 1, None, "the same model as version 3, which was rolled back"),
    ]
    assert all(event.who.count("@") == 1 and event.at.endswith("Z") for event in two.history())
