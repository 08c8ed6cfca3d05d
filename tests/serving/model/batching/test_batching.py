"""Dynamic batching: who shares a call with whom, who waits, who is turned away, who is too late."""

import asyncio
import threading
import time

import numpy as np
import pytest
from batcher_story import SHORT, SOON, StoppedClock, limits, with_batcher
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.model.batching import Lane
from serving.status import Code, RequestError


@settings(max_examples=60, deadline=None)
@given(
    requests=st.lists(st.lists(st.integers(0, 99), min_size=0, max_size=12), min_size=1, max_size=40),
    max_rows=st.integers(1, 16),
    workers=st.integers(1, 3),
    inline=st.sampled_from([0.0, 1.0]),
)
def test_each_request_gets_its_own_rows_and_no_call_is_larger_than_allowed(
    requests, max_rows, workers, inline
):
    async def story(ask, batcher, model):
        answers = await asyncio.gather(*[ask(*values) for values in requests])
        assert [answer["y"].tolist() for answer in answers] == [
            [2 * x for x in values] for values in requests
        ]
        assert batcher.queued == 0
        longest = max(map(len, requests))
        assert all(len(call) <= max(max_rows, longest) for call in model.calls)
        assert sum(map(len, model.calls)) == sum(map(len, requests))

    with_batcher(limits(max_rows=max_rows, workers=workers, inline_seconds=inline, max_delay=0.001), story)


@settings(max_examples=40, deadline=None)
@given(values=st.lists(st.integers(-3, 20), min_size=2, max_size=30))
def test_a_bad_request_fails_alone(values):
    async def story(ask, batcher, model):
        answers = await asyncio.gather(*[ask(value) for value in values], return_exceptions=True)
        for value, answer in zip(values, answers, strict=True):
            if value < 0:
                assert isinstance(answer, RequestError)
                assert (answer.code, answer.message) == (Code.INVALID_ARGUMENT, "no negative numbers")
            else:
                assert answer["y"].tolist() == [2 * value]

    with_batcher(limits(), story)


def test_what_comes_while_the_model_is_busy_shares_the_next_call():
    async def story(ask, batcher, model):
        model.hold()
        first = ask(1)
        await model.is_called()
        rest = [ask(value) for value in (2, 3, 4)]
        model.go_on.set()
        await asyncio.gather(first, *rest)
        assert model.calls == [[1], [2, 3, 4]]

    with_batcher(limits(), story)


def test_an_idle_model_does_not_wait_to_batch():
    async def story(ask, batcher, model):
        await asyncio.wait_for(ask(1), SOON / 2)

    with_batcher(limits(max_delay=3600, workers=2), story)


def test_while_another_call_runs_rows_wait_to_be_batched_until_the_call_is_full():
    async def story(ask, batcher, model):
        model.hold()
        first = ask(1)
        await model.is_called()
        second, third = ask(2), ask(3)
        await asyncio.sleep(0.02)
        assert model.calls == [[1]], "a second worker is free, but the rows have an hour"
        last = ask(*range(4, 10))
        model.go_on.set()
        await asyncio.gather(first, second, third, last)
        assert model.calls[1] == [2, 3, *range(4, 10)]

    with_batcher(limits(max_delay=3600, workers=2), story)


def test_rows_that_have_waited_long_enough_go_without_company():
    async def story(ask, batcher, model):
        model.hold()
        first = ask(1)
        await model.is_called()
        model.started.clear()
        second = ask(2)
        await model.is_called()
        assert model.calls == [[1], [2]], "the first call has not ended"
        model.go_on.set()
        await asyncio.gather(first, second)

    with_batcher(limits(max_delay=0.01, workers=2), story)


def test_a_lone_row_is_answered_in_the_loops_own_thread_once_the_model_is_known_to_be_quick():
    async def story(ask, batcher, model):
        for value in (1, 2, 3):
            await ask(value, size=10)
        await ask(4, size=10**9)
        await ask(5, 6)
        own = threading.current_thread().name
        assert model.threads == ["model-0", own, own, "model-0", "model-0"]

    with_batcher(limits(inline_seconds=1.0), story)


def test_a_slow_model_never_holds_the_loop():
    async def story(ask, batcher, model):
        for value in (1, 2, 3):
            await ask(value)
        assert set(model.threads) == {"model-0"}

    with_batcher(limits(inline_seconds=1e-9), story)


def test_a_full_queue_turns_requests_away_at_once():
    async def story(ask, batcher, model):
        model.hold()
        running = ask(1)
        await model.is_called()
        waiting = [ask(2, 3), ask(4)]
        with pytest.raises(RequestError) as refused:
            ask(5)
        assert (refused.value.code, refused.value.http) == (Code.RESOURCE_EXHAUSTED, 503)
        assert refused.value.message == "The queue is full: 3 rows of 3 wait. Try again later."
        assert refused.value.retry_after == 1
        model.go_on.set()
        await asyncio.gather(running, *waiting)
        assert (await ask(5))["y"].tolist() == [10], "there is room again"

    with_batcher(limits(max_queue=3), story)


def test_a_request_larger_than_the_queue_is_taken_when_nothing_waits():
    async def story(ask, batcher, model):
        assert (await ask(*range(50)))["y"].tolist() == [2 * value for value in range(50)]

    with_batcher(limits(max_queue=3), story)


def test_expired_work_is_answered_in_time_and_never_run():
    async def story(ask, batcher, model):
        model.hold()
        running = ask(1)
        await model.is_called()
        late, patient = ask(2, deadline=0.02), ask(3)
        with pytest.raises(RequestError) as expired:
            await late
        assert expired.value.code is Code.DEADLINE_EXCEEDED
        assert not model.go_on.is_set(), "the answer came while the model was still busy"
        model.go_on.set()
        await asyncio.gather(running, patient)
        assert model.calls == [[1], [3]]

    with_batcher(limits(), story)


def test_a_request_whose_time_is_up_while_it_runs_is_answered_too():
    async def story(ask, batcher, model):
        model.hold()
        late = ask(1, deadline=SHORT)
        await model.is_called()
        clock.ahead = SHORT
        with pytest.raises(RequestError) as expired:
            await late
        assert expired.value.message == "The request's time was up before the model answered."

    clock = StoppedClock()
    with_batcher(limits(), story, clock)


def test_what_nobody_waits_for_any_more_is_not_run():
    async def story(ask, batcher, model):
        model.hold()
        running = ask(1)
        await model.is_called()
        gone, other = ask(2), ask(3)
        gone.cancel()
        model.go_on.set()
        await asyncio.gather(running, other)
        assert model.calls == [[1], [3]]
        assert batcher.queued == 0

    with_batcher(limits(), story)


def test_a_defect_in_the_call_is_an_internal_error_without_its_text():
    def broken(inputs):
        raise ZeroDivisionError("secret")

    async def story(ask, batcher, model):
        with pytest.raises(RequestError) as failed:
            await ask(1, lane=Lane(broken, batched=True))
        assert (failed.value.code, failed.value.message) == (
            Code.INTERNAL,
            "The model call failed: ZeroDivisionError",
        )
        await ask(1)

    with_batcher(limits(), story)


def test_requests_of_a_lane_that_cannot_share_go_one_by_one():
    async def story(ask, batcher, model):
        lane = Lane(model, batched=False)
        await asyncio.gather(*[ask(value, lane=lane) for value in (1, 2, 3)])
        assert model.calls == [[1], [2], [3]]

    with_batcher(limits(), story)


def test_requests_whose_other_dimensions_differ_are_answered_one_by_one():
    async def story(ask, batcher, model):
        model.hold()
        running = ask(1)
        await model.is_called()
        lane = Lane(lambda inputs: {"width": np.full(len(inputs["x"]), inputs["x"].shape[1])}, batched=True)
        late = time.monotonic() + SOON
        futures = [
            batcher.submit(lane, {"x": np.zeros((1, width))}, rows=1, size=1, deadline=late)
            for width in (2, 3)
        ]
        model.go_on.set()
        answers = await asyncio.gather(*futures, running)
        assert [answer["width"].tolist() for answer in answers[:2]] == [[2], [3]]

    with_batcher(limits(), story)


def test_a_lane_tells_when_the_model_is_done_with_it():
    async def story(ask, batcher, model):
        told = asyncio.Event()
        lane = Lane(model, batched=True)
        lane.when_idle = told.set
        model.hold()
        late = ask(1, lane=lane, deadline=SHORT)
        await model.is_called()
        clock.ahead = SHORT
        with pytest.raises(RequestError):
            await late
        assert (lane.active, told.is_set()) == (1, False), "answered, but the model still has it"
        model.go_on.set()
        await told.wait()
        assert lane.active == 0

    clock = StoppedClock()
    with_batcher(limits(), story, clock)


def test_the_lane_whose_first_request_is_the_oldest_goes_first():
    async def story(ask, batcher, model):
        one, other = Lane(model, batched=False), Lane(model, batched=False)
        model.hold()
        running = ask(0)
        await model.is_called()
        waiting = [ask(1, lane=one), ask(2, lane=other), ask(3, lane=one), ask(4, lane=other)]
        model.go_on.set()
        await asyncio.gather(running, *waiting)
        assert model.calls == [[0], [1], [2], [3], [4]]

    with_batcher(limits(), story)


def test_a_quick_row_goes_to_a_thread_while_another_lane_waits():
    """In the event loop it would keep the other waiting, and a thread of the model is free."""

    async def story(ask, batcher, model):
        one, other = Lane(model, batched=True), Lane(model, batched=True)
        for lane in (one, other):
            await ask(0, lane=lane)
        model.threads.clear()
        await asyncio.gather(ask(1, lane=one), ask(2, lane=other))
        assert model.threads == ["model-0", threading.current_thread().name]

    with_batcher(limits(inline_seconds=60.0), story)


def test_what_breaks_a_shared_call_before_the_model_ends_no_thread(monkeypatch):
    """Memory may not suffice to join the rows of several requests, and does for each of them."""

    def short(*_):
        raise MemoryError

    async def story(ask, batcher, model):
        model.hold()
        first = ask(1)
        await model.is_called()
        rest = [ask(value) for value in (2, 3)]
        monkeypatch.setattr("serving.model.batching.np.concatenate", short)
        model.go_on.set()
        answers = await asyncio.gather(first, *rest)
        assert [answer["y"].tolist() for answer in answers] == [[2], [4], [6]]
        assert (await ask(4))["y"].tolist() == [8]

    with_batcher(limits(workers=1), story)
