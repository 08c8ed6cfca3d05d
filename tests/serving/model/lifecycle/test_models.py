"""The live versions: what is loaded, switched to, refused and let go, while the store changes."""

import asyncio
import logging
import shutil
import threading

import pytest
from live_models import live, settled, told

from serving.model.lifecycle.states import State
from serving.status import Code, RequestError


def test_the_newest_version_answers(stage):
    stage.push("one")
    stage.push("two")
    models = stage.models()
    asyncio.run(models.refresh())
    assert (live(models), stage.loads) == ("two", [2])
    assert told(models) == {2: "AVAILABLE"}
    assert models.labels() == {"stable": 2}
    assert stage.count("greenlight_model_version") == 2


def test_a_promoted_version_takes_over_and_the_old_one_goes(stage):
    async def story():
        stage.push("one")
        models = stage.models()
        await models.refresh()
        old = models.find().predictor
        stage.push("two")
        await models.refresh()
        assert live(models) == "two"
        await settled(models)
        assert old.closed
        assert told(models) == {2: "AVAILABLE", 1: "END"}

    asyncio.run(story())


def test_a_version_goes_only_when_it_has_answered_what_it_was_asked(stage):
    async def story():
        stage.push("one")
        models = stage.models()
        await models.refresh()
        old = models.find()
        lane = old.lanes["serving_default"]
        lane.active = 1
        stage.push("two")
        await models.refresh()
        assert told(models) == {2: "AVAILABLE", 1: "UNLOADING"}
        for _ in range(5):
            await asyncio.sleep(0)
        assert (told(models)[1], old.predictor.closed) == ("UNLOADING", False)
        lane.leave(1)
        await settled(models)
        assert old.predictor.closed

    asyncio.run(story())


def test_a_rolled_back_version_goes_and_the_one_before_answers(stage):
    async def story():
        stage.push("one")
        stage.push("two")
        models = stage.models()
        await models.refresh()
        stage.store.rollback("complaints")
        await models.refresh()
        assert live(models) == "one"
        await settled(models)
        assert told(models) == {2: "END", 1: "AVAILABLE"}

    asyncio.run(story())


def test_a_version_that_does_not_verify_is_never_loaded_and_the_last_good_one_stays(stage, caplog):
    caplog.set_level(logging.INFO, "greenlight.serving")

    async def story():
        stage.push("one")
        models = stage.models()
        await models.refresh()
        stage.push("two")
        stage.damage(2)
        for _ in range(3):
            await models.refresh()
        assert live(models) == "one"
        assert stage.loads == [1]
        refused = models.statuses(version=2)[0]
        assert (refused.state, refused.code) == (State.END, Code.DATA_LOSS)
        assert refused.message.startswith("version 2: saved_model.pb ")
        assert models.refusals() == [refused]
        assert stage.count("greenlight_versions_refused_total") == 1
        assert [record.message for record in caplog.records].count("version refused") == 1
        with pytest.raises(
            RequestError, match=r"Servable not found for request: Specific\(imdb_sentiment, 2\)"
        ):
            models.find(version=2)

    asyncio.run(story())


def test_a_refused_version_that_is_rolled_back_is_no_concern_any_more(stage):
    async def story():
        stage.push("one")
        stage.push("two")
        stage.broken = {2}
        models = stage.models()
        await models.refresh()
        stage.store.rollback("it does not load")
        await models.refresh()
        assert models.refusals() == []
        assert told(models) == {1: "AVAILABLE"}

    asyncio.run(story())


def test_a_version_that_cannot_be_loaded_is_refused_in_its_own_words(stage):
    stage.push("one")
    stage.push("two")
    stage.broken = {2}
    models = stage.models()
    asyncio.run(models.refresh())
    assert live(models) == "one"
    assert [status.message for status in models.refusals()] == ["no variables in it"]


def test_a_version_that_is_changed_while_it_is_loaded_is_refused(stage):
    stage.push("one")
    stage.during_load = lambda: stage.damage(1)
    models = stage.models()
    asyncio.run(models.refresh())
    assert not models.ready()
    assert models.refusals()[0].message == "version 1: its files changed while it was loaded"


def test_a_version_that_is_rolled_back_while_it_is_loaded_is_no_error(stage, caplog):
    async def story():
        stage.push("one")
        models = stage.models()
        await models.refresh()
        stage.push("two")
        stage.during_load = lambda: stage.store.rollback("too soon")
        stage.broken = {2}
        await models.refresh()
        assert live(models) == "one"
        assert told(models) == {1: "AVAILABLE"}
        assert stage.count("greenlight_versions_refused_total") == 0
        assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []

    asyncio.run(story())


def test_a_refused_version_is_looked_at_again_later_and_answers_once_it_is_mended(stage, monkeypatch):
    async def story():
        number = stage.push("good!")
        whole = (stage.root / "1" / "saved_model.pb").read_bytes()
        stage.damage(number)
        models = stage.models()
        await models.refresh()
        (stage.root / "1" / "saved_model.pb").write_bytes(whole)
        await models.refresh()
        assert not models.ready(), "not before its time"
        monkeypatch.setattr("serving.model.lifecycle.loading.time.monotonic", lambda: 1e12)
        await models.refresh()
        assert live(models) == "good!"
        assert models.refusals() == []

    asyncio.run(story())


def test_an_empty_store_is_followed_until_there_is_a_version(stage):
    async def story():
        models = stage.models()
        await models.start()
        assert not models.ready()
        with pytest.raises(RequestError) as missing:
            models.find()
        assert (missing.value.code, missing.value.message) == (
            Code.NOT_FOUND,
            "Servable not found for request: Latest(imdb_sentiment)",
        )
        with pytest.raises(RequestError, match="Could not find any versions of model imdb_sentiment"):
            models.statuses()
        assert not stage.root.exists(), "looking makes nothing"
        stage.push("one")
        await models.refresh()
        assert models.ready()

    asyncio.run(story())


def test_a_store_made_anew_is_another_one_although_its_numbers_are_the_same(stage):
    async def story():
        stage.push("one")
        models = stage.models()
        await models.refresh()
        shutil.rmtree(stage.root)
        await models.refresh()
        assert live(models) == "one", "the last good version stays"
        stage.push("another one")
        await models.refresh()
        assert live(models) == "another one"
        await settled(models)
        assert told(models) == {1: "AVAILABLE"}

    asyncio.run(story())


def test_as_many_of_the_newest_good_versions_as_wanted_answer_by_number(stage):
    async def story():
        for text in ("one", "two", "three", "four"):
            stage.push(text)
        stage.damage(3)
        models = stage.models(versions=2)
        await models.refresh()
        assert live(models) == "four"
        assert models.find(version=2).predictor.text == "two"
        assert models.labels() == {"stable": 4, "previous": 2}
        assert models.find(label="previous").version == 2
        with pytest.raises(RequestError, match="Specific"):
            models.find(version=1)

    asyncio.run(story())


def test_an_unknown_label_is_named(stage):
    stage.push("one")
    models = stage.models()
    asyncio.run(models.refresh())
    with pytest.raises(RequestError) as unknown:
        models.find(label="canary")
    assert (unknown.value.code, unknown.value.message) == (
        Code.INVALID_ARGUMENT,
        "Unrecognized servable version label: canary",
    )


def test_a_version_that_is_loaded_while_the_server_ends_is_closed(stage):
    async def story():
        stage.push("one")
        made, loading, go_on = [], threading.Event(), threading.Event()

        def during_load():
            loading.set()
            assert go_on.wait(60)

        def load(path, version):
            made.append(stage.load(path, version))
            return made[0]

        stage.during_load = during_load
        models = stage.models(load=load)
        following = asyncio.create_task(models.refresh())
        await asyncio.to_thread(loading.wait, 60)
        following.cancel()
        await asyncio.wait({following})
        await models.close()
        go_on.set()
        async with asyncio.timeout(60):
            while not (made and made[0].closed):
                await asyncio.sleep(0.001)

    asyncio.run(story())


def test_listeners_hear_of_changes_and_of_nothing_else(stage):
    async def story():
        stage.push("one")
        models = stage.models()
        heard = []
        models.on_change(lambda: heard.append(live(models)))
        await models.refresh()
        await models.refresh()
        stage.push("two")
        await models.refresh()
        assert heard == ["one", "two"]

    asyncio.run(story())


def test_closing_lets_everything_go(stage):
    async def story():
        stage.push("one")
        models = stage.models()
        await models.refresh()
        loaded = models.find().predictor
        await models.close()
        assert loaded.closed
        assert not models.ready()

    asyncio.run(story())
