"""A version that is pinned: it stays, and must be there and whole at the start."""

import asyncio

import pytest
from live_models import live, unreadable

from serving.errors import StoreError, StoreInputError


def test_a_pin_holds_whatever_is_promoted(stage):
    async def story():
        stage.push("one")
        stage.push("two")
        models = stage.models(pin=1)
        await models.start()
        stage.push("three")
        await models.refresh()
        assert (live(models), stage.loads) == ("one", [1])

    asyncio.run(story())


def test_a_pinned_version_that_is_not_there_is_an_error_at_the_start(stage):
    stage.push("one")
    with pytest.raises(StoreInputError) as missing:
        asyncio.run(stage.models(pin=7).check_pin())
    assert str(missing.value) == f"version 7 is not published in {stage.root}; there are: 1"


def test_a_pinned_version_that_does_not_verify_is_an_error_at_the_start(stage):
    stage.push("one")
    stage.push("two")
    stage.damage(2)
    with pytest.raises(StoreError, match=r"^version 2 is not served: version 2: saved_model\.pb"):
        asyncio.run(stage.models(pin=2).start())
    assert stage.loads == []


def test_a_store_that_cannot_be_read_at_the_start_is_the_reason_why_a_pinned_version_is_not_there(
    stage, monkeypatch
):
    stage.push("one")
    monkeypatch.setattr(stage.store, "published", unreadable)
    with pytest.raises(StoreError, match=r"^version 1 is not served: could not read .* Stale file handle$"):
        asyncio.run(stage.models(pin=1).start())
