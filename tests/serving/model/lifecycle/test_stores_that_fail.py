"""A store that cannot be read for a while: what answers goes on, and what is being loaded is loaded."""

import asyncio
import threading

from live_models import live, unreadable


def test_a_store_that_cannot_be_read_for_a_while_does_not_end_the_load_of_a_version(stage):
    async def story():
        stage.push("one")
        published, asked = stage.store.published, threading.Event()

        def asked_in_vain():
            asked.set()
            unreadable()

        def during_load():
            stage.store.published = asked_in_vain
            assert asked.wait(60)
            stage.store.published = published

        stage.during_load = during_load
        models = stage.models(poll_seconds=0.001)
        await models.refresh()
        assert (live(models), stage.loads, models.refusals()) == ("one", [1], [])

    asyncio.run(story())


def test_a_store_that_cannot_be_read_takes_nothing_away(stage, monkeypatch, caplog):
    async def story():
        stage.push("one")
        models = stage.models()
        await models.refresh()
        monkeypatch.setattr(stage.store, "published", unreadable)
        for _ in range(3):
            await models.refresh()
        assert live(models) == "one"
        complaints = [record for record in caplog.records if record.message == "the store cannot be followed"]
        assert len(complaints) == 1
        assert complaints[0].error.endswith("Stale file handle")

    asyncio.run(story())


def test_the_watch_goes_on_after_whatever_goes_wrong(stage, monkeypatch):
    async def story():
        stage.push("one")
        models = stage.models(poll_seconds=0.001)
        await models.start()
        published, calls = stage.store.published, []

        def fail_once():
            calls.append(1)
            if len(calls) == 1:
                raise ZeroDivisionError
            return published()

        monkeypatch.setattr(stage.store, "published", fail_once)
        stage.push("two")
        watching = asyncio.create_task(models.watch())
        async with asyncio.timeout(10):
            while live(models) != "two":
                await asyncio.sleep(0.001)
        watching.cancel()

    asyncio.run(story())
