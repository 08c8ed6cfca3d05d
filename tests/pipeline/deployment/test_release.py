"""Which version is deployed, and which never is."""

from pathlib import Path

import pytest

from components.errors import GreenlightError, InputError
from pipeline.deployment.release import choose
from serving.versions import VersionStore


def test_the_live_version_is_chosen_unless_another_is_named(store):
    assert choose(store, model_name="imdb_sentiment", number=None).version == 2
    older = choose(store, model_name="imdb_sentiment", number=1)
    assert older.version == 1
    assert [older.digest] == [version.digest for version in store.versions() if version.number == 1]
    assert older.store == str(store.root)


def test_a_version_that_does_not_match_its_manifest_is_never_deployed(store):
    Path(store.root, "2", "variables", "variables.index").write_text("other")
    with pytest.raises(GreenlightError, match=r"Version 2 does not match its manifest and is not deployed"):
        choose(store, model_name="imdb_sentiment", number=None)


def test_a_rolled_back_version_is_not_published(store):
    store.rollback("complaints")
    assert choose(store, model_name="imdb_sentiment", number=None).version == 1
    with pytest.raises(InputError, match=r"Version 2 was rolled back\..*published are: 1\."):
        choose(store, model_name="imdb_sentiment", number=2)


def test_an_empty_store_says_what_makes_a_version(tmp_path):
    with pytest.raises(InputError, match=r"There is no version in .*`greenlight run` makes one;"):
        choose(VersionStore(tmp_path / "none"), model_name="imdb_sentiment", number=None)
