"""Requests of more rows than one call of the model takes."""

import asyncio
import time

import numpy as np
import pytest
from batcher_story import SOON, limits, with_batcher
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.model.batching import Lane
from serving.status import RequestError


def run(batcher, lane, values, *, deadline=SOON):
    inputs = {"x": np.array(values, np.int64)}
    late = time.monotonic() + deadline
    return batcher.run(lane, inputs, rows=len(values), size=len(values), deadline=late)


@settings(max_examples=60, deadline=None)
@given(
    requests=st.lists(st.lists(st.integers(0, 99), max_size=40), min_size=1, max_size=20),
    max_rows=st.integers(1, 16),
    inline=st.sampled_from([0.0, 1.0]),
)
def test_requests_larger_than_a_call_go_in_several(requests, max_rows, inline):
    async def story(ask, batcher, model):
        answers = await asyncio.gather(*[run(batcher, ask.lane, values) for values in requests])
        assert [answer["y"].tolist() for answer in answers] == [
            [2 * x for x in values] for values in requests
        ]
        assert all(len(call) <= max_rows for call in model.calls)
        assert (batcher.queued, ask.lane.active) == (0, 0)

    with_batcher(limits(max_rows=max_rows, inline_seconds=inline), story)


def test_a_large_request_lets_others_go_before_its_next_part():
    async def story(ask, batcher, model):
        model.hold()
        large = asyncio.create_task(run(batcher, ask.lane, range(10)))
        await model.is_called()
        small = ask(99)
        model.go_on.set()
        assert (await small)["y"].tolist() == [198]
        assert not large.done()
        assert (await large)["y"].tolist() == [2 * value for value in range(10)]
        assert model.calls == [[0, 1, 2, 3], [99], [4, 5, 6, 7], [8, 9]]

    with_batcher(limits(max_rows=4), story)


def test_a_lane_is_in_use_between_the_parts_of_a_large_request():
    async def story(ask, batcher, model):
        seen = []
        ask.lane.when_idle = lambda: seen.append(len(model.calls))
        await run(batcher, ask.lane, range(10))
        assert seen == [3]

    with_batcher(limits(max_rows=4), story)


def test_a_large_request_fails_as_a_whole_and_leaves_its_lane():
    async def story(ask, batcher, model):
        with pytest.raises(RequestError, match="no negative numbers"):
            await run(batcher, ask.lane, [1, 2, 3, -1, 5, 6])
        assert model.calls == [[1, 2], [3, -1]]
        assert ask.lane.active == 0

    with_batcher(limits(max_rows=2), story)


def test_a_model_that_answers_the_whole_and_not_each_row_gets_a_large_request_whole():
    async def story(ask, batcher, model):
        lane = Lane(lambda inputs: {"sum": inputs["x"].sum(keepdims=True)}, batched=True)
        assert (await run(batcher, lane, range(10)))["sum"].tolist() == [45]

    with_batcher(limits(max_rows=4), story)


def test_a_model_that_answers_with_one_value_for_all_rows_is_asked_request_by_request():
    """Its signature promises rows, its graph gives a tensor of rank 0: no thread may die of that."""

    async def story(ask, batcher, model):
        model.hold()
        running = ask(1)
        await model.is_called()
        lane = Lane(lambda inputs: {"sum": np.asarray(inputs["x"].sum())}, batched=True)
        futures = [ask(value, lane=lane) for value in (2, 3)]
        model.go_on.set()
        answers = await asyncio.gather(*futures, running)
        assert [answer["sum"].tolist() for answer in answers[:2]] == [2, 3]
        assert (await run(batcher, lane, range(10)))["sum"].tolist() == 45

    with_batcher(limits(max_rows=4), story)


def test_a_part_of_a_large_request_has_its_share_of_the_bytes():
    async def story(ask, batcher, model):
        sizes, submit = [], batcher.submit

        def note(lane, inputs, *, size, **others):
            sizes.append(size)
            return submit(lane, inputs, size=size, **others)

        batcher.submit = note
        inputs = {"x": np.arange(10)}
        await batcher.run(ask.lane, inputs, rows=10, size=1000, deadline=time.monotonic() + SOON)
        assert sizes == [400, 400, 200]

    with_batcher(limits(max_rows=4), story)
