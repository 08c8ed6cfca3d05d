"""Rolling back: the previous good version answers, the bad model is kept and never chosen again."""

import pytest

from serving.errors import StoreError, StoreInputError
from serving.store.manifest import Facts


@pytest.fixture
def three(store, make_model):
    """A store with versions 1 to 3 of models a, b and c."""
    for name in "abc":
        store.push(make_model(name), Facts())
    return store


def states(store):
    return [(version.number, version.state) for version in store.versions()]


def truncate(path):
    path.write_text(path.read_text()[:10])


def test_previous_version_is_live_and_the_bad_one_is_kept(three, root):
    result = three.rollback("too many false positives")
    assert (result.rolled_back, result.live, result.changed) == (3, 2, True)
    assert states(three) == [(3, "rolled-back"), (2, "live"), (1, "previous")]
    assert sorted(path.name for path in root.iterdir()) == [".greenlight", "1", "2"]
    assert three.versions()[0].why == "too many false positives"
    assert three.verify(3) == []


def test_rolled_back_model_is_rejected(three, make_model):
    three.rollback()
    result = three.push(make_model("c"), Facts())
    assert (result.outcome, result.version) == ("rejected", 3)
    assert result.reason == (
        "this very model was rolled back as version 3; `greenlight promote 3` makes it live nevertheless"
    )
    assert three.live().number == 2


def exported_again(make_model, name):
    """The same weights, with functions under other names, as another process writes them."""
    model = make_model(name)
    for path in ("saved_model.pb", "fingerprint.pb"):
        (model / path).write_text("other names of functions")
    return model


def test_a_rolled_back_model_is_rejected_when_it_is_exported_again_by_the_same_code(store, make_model):
    code = Facts(code_version="1")
    for name in "ab":
        store.push(make_model(name), code)
    store.rollback()
    again = exported_again(make_model, "b")

    assert store.push(again, Facts()).outcome == "pushed"  # of unknown code
    assert store.push(again, Facts(code_version="2")).outcome == "unchanged"
    store.push(make_model("c"), code)
    result = store.push(again, code)
    assert (result.outcome, result.version) == ("rejected", 2)
    assert result.reason.startswith("this very model was rolled back as version 2; `greenlight promote 2`")


def test_an_export_of_a_model_that_a_person_promoted_again_is_not_rejected(store, make_model):
    code = Facts(code_version="1")
    for name in "ab":
        store.push(make_model(name), code)
    store.rollback()
    store.promote(2)
    store.push(make_model("c"), code)

    assert store.push(exported_again(make_model, "b"), code).outcome == "pushed"


def test_rolled_back_model_is_rejected_even_when_its_files_are_pruned(three, make_model):
    three.rollback()
    three.prune(2, rolled_back=True)
    result = three.push(make_model("c"), Facts())
    assert result.outcome == "rejected"
    assert result.reason == "this very model was rolled back as version 3; its files were pruned since"


def test_force_pushes_a_rejected_model_and_it_is_accepted_from_then_on(three, make_model):
    three.rollback()
    assert three.push(make_model("c"), Facts(), force=True).version == 4
    three.push(make_model("d"), Facts())
    assert three.push(make_model("c"), Facts()).version == 6


def test_rollback_twice_goes_back_twice(three):
    three.rollback()
    assert three.rollback().live == 1


def test_last_good_version_is_never_taken_out(three):
    three.rollback()
    three.rollback()
    with pytest.raises(
        StoreError, match=r"there is no good version below 1 to roll back to\. Version 1 stays live"
    ):
        three.rollback()
    assert three.live().number == 1


def test_empty_store_has_nothing_to_roll_back(store):
    with pytest.raises(StoreError, match="has no version, so there is none to roll back"):
        store.rollback()


def test_damaged_version_is_not_fallen_back_on(three, root):
    truncate(root / "2" / "saved_model.pb")
    assert three.rollback().live == 1
    assert states(three) == [(3, "rolled-back"), (2, "set-aside"), (1, "live")]
    assert three.versions()[1].why == (
        "in the way of rolling back version 3: was truncated: 10 bytes, 100 in the manifest"
    )


def test_no_good_version_says_what_is_wrong_with_each(store, make_model, root):
    store.push(make_model("a"), Facts())
    store.push(make_model("b"), Facts())
    truncate(root / "1" / "saved_model.pb")
    store.push(make_model("c"), Facts())
    truncate(root / "2" / "saved_model.pb")
    truncated = [
        rf"version {number}: saved_model\.pb was truncated: 10 bytes, 100 in the manifest"
        for number in (2, 1)
    ]
    with pytest.raises(
        StoreError, match=f"no good version below 3 to roll back to; {'; '.join(truncated)}\\. "
    ):
        store.rollback()


def test_damaged_live_version_can_be_rolled_back(three, root, make_model):
    (root / "3" / "greenlight.manifest.json").unlink()
    assert three.rollback().live == 2
    assert three.push(make_model("c"), Facts()).outcome == "rejected"


def test_version_without_manifest_or_history_is_rejected_by_its_files(store, make_model, root):
    store.push(make_model("a"), Facts())
    make_model("foreign").rename(root / "7")
    assert store.rollback().rolled_back == 7
    assert store.push(make_model("foreign"), Facts()).outcome == "rejected"


def test_older_copies_of_the_bad_model_go_too(store, make_model):
    for name in "aba":
        store.push(make_model(name), Facts())
    store.rollback()
    assert states(store) == [(3, "rolled-back"), (2, "live"), (1, "rolled-back")]


def test_incomplete_number_above_does_not_stay_in_the_way(three, root):
    (root / "9" / "variables").mkdir(parents=True)
    (root / "9" / "variables" / "part").write_text("x")
    three.rollback()
    assert (root / ".greenlight" / "set-aside" / "9" / "variables" / "part").exists()
    assert not (root / "9").exists()


def test_expected_version_is_rolled_back_once(three):
    assert three.rollback(expect=3).changed
    again = three.rollback(expect=3)
    assert (again.rolled_back, again.live, again.changed) == (3, 2, False)


def test_other_version_than_the_expected_one_is_left_alone(three):
    with pytest.raises(StoreInputError, match="version 2 is not live, version 3 is: nothing was rolled back"):
        three.rollback(expect=2)
    assert three.live().number == 3


def test_versions_moved_by_hand_are_believed(three, root, make_model):
    three.rollback()
    (root / ".greenlight" / "rolled-back" / "3").rename(root / "3")
    assert three.live().number == 3
    assert three.push(make_model("c"), Facts()).outcome == "unchanged"


def test_a_version_whose_damage_only_its_content_shows_is_set_aside_as_damaged(three, root):
    path = root / "2" / "saved_model.pb"
    path.write_text(path.read_text().upper())
    assert three.rollback().live == 1
    assert three.versions()[1].why == "in the way of rolling back version 3: is damaged"


def test_what_is_published_is_what_the_numbers_hold(three, root):
    (root / "9").mkdir()
    assert three.published() == [3, 2, 1]
    three.rollback()
    assert three.published() == [2, 1]
