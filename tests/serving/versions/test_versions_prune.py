"""Pruning: the newest good versions stay, the live one always."""

import pytest

from serving.errors import StoreInputError
from serving.store.manifest import Facts


@pytest.fixture
def four(store, make_model):
    """A store with versions 1 to 4."""
    for name in "abcd":
        store.push(make_model(name), Facts())
    return store


def numbers(store):
    return [version.number for version in store.versions()]


def test_newest_versions_stay(four, root):
    assert four.prune(2) == [1, 2]
    assert numbers(four) == [4, 3]
    assert not (root / "1").exists()


def test_live_version_stays_when_one_is_kept(four):
    four.prune(1)
    assert numbers(four) == [4]


@pytest.mark.parametrize("keep", [0, -1])
def test_keeping_none_is_refused(four, keep):
    with pytest.raises(StoreInputError, match=f"keep = {keep}: at least 1 version is kept") as caught:
        four.prune(keep)
    assert caught.value.exit_code == 2
    assert numbers(four) == [4, 3, 2, 1]


def test_keeping_more_than_there_are_removes_nothing(four):
    assert four.prune(9) == []


def test_damaged_versions_do_not_count_as_kept(four, root):
    path = root / "3" / "fingerprint.pb"
    path.write_text("x")
    assert four.prune(2) == [1]
    assert numbers(four) == [4, 3, 2]


def test_rolled_back_versions_stay_unless_asked(four):
    four.rollback()
    assert four.prune(1) == [1, 2]
    assert numbers(four) == [4, 3]
    assert four.prune(1, rolled_back=True) == [4]
    assert numbers(four) == [3]


def test_pruning_is_in_the_history(four):
    four.prune(3)
    event = four.history()[-1]
    assert (event.action, event.version, event.why) == ("prune", 1, "prune, keeping 3")


def test_versions_that_were_set_aside_stay_unless_asked(four, root):
    (root / "3" / "saved_model.pb").write_text("x")
    four.rollback()
    assert [(version.number, version.state) for version in four.versions()][:2] == [
        (4, "rolled-back"),
        (3, "set-aside"),
    ]
    assert four.prune(2) == []
    assert four.prune(2, rolled_back=True) == [3, 4]
    assert numbers(four) == [2, 1]
