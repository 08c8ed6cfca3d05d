import pytest

from components.errors import InputError
from components.pusher.published import published_version
from serving.store.manifest import Facts
from serving.versions import VersionStore


@pytest.fixture
def store(tmp_path, small_model):
    store = VersionStore(tmp_path / "store")
    for bias in (0.0, 0.5, 1.0):
        store.push(small_model(bias), Facts())
    store.rollback("it was worse")
    return store


def test_the_live_version_is_meant_unless_a_number_is_given(store):
    assert published_version(store, None).number == 2
    assert published_version(store, 1).number == 1


def test_a_version_that_was_rolled_back_is_said_to_be_so(store):
    with pytest.raises(InputError) as caught:
        published_version(store, 3)
    assert str(caught.value) == (
        "Version 3 was rolled back. `greenlight promote 3` publishes it again, under a new number; "
        "published are: 2, 1."
    )


def test_a_version_that_never_was_is_answered_with_those_there_are(store):
    with pytest.raises(InputError) as caught:
        published_version(store, 7)
    assert str(caught.value) == f"Version 7 is not published in {store.root}; there are: 2, 1."


def test_an_empty_store_is_said_to_have_none(tmp_path):
    with pytest.raises(InputError, match=r"There is no version in .*\. `greenlight run` makes one"):
        published_version(VersionStore(tmp_path / "none"), None)


def test_the_other_models_of_a_workspace_are_named(tmp_path, small_model):
    VersionStore(tmp_path / "spam").push(small_model(0.0), Facts())
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"There is: spam; name one with --set model_name=NAME, or"):
        published_version(VersionStore(tmp_path / "imdb_sentiment"), None)
