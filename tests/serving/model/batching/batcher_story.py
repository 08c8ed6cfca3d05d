"""A batcher with a model that can be made to wait, for stories of who shares a call with whom."""

import asyncio
import threading
import time

import numpy as np

from serving.model.batching import Batcher, BatchLimits, Lane
from serving.status import Code, RequestError

SOON = 60.0
"""Seconds after which a story is broken, on a machine that is busy with other things, too."""
SHORT = 0.05
"""A deadline, in seconds by the story's clock."""


def limits(**changed):
    defaults = {"max_rows": 8, "max_delay": 0.0, "max_queue": 1000, "workers": 1, "inline_seconds": 0.0}
    return BatchLimits(**(defaults | changed))


class Model:
    """Doubles its input, keeps what it was called with, and can be made to wait."""

    def __init__(self):
        self.calls: list[list[int]] = []
        self.threads: list[str] = []
        self.started = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self, inputs):
        self.calls.append(inputs["x"].tolist())
        self.threads.append(threading.current_thread().name)
        self.started.set()
        assert self.go_on.wait(SOON)
        if (inputs["x"] < 0).any():
            raise RequestError(Code.INVALID_ARGUMENT, "no negative numbers")
        return {"y": inputs["x"] * 2}

    def hold(self):
        self.go_on.clear()
        self.started.clear()

    async def is_called(self):
        assert await asyncio.to_thread(self.started.wait, SOON)


class StoppedClock:
    """A clock that a story puts forward by setting `ahead`; nothing expires before, on any machine."""

    def __init__(self):
        self._began = time.monotonic()
        self.ahead = 0.0

    def __call__(self):
        return self._began + self.ahead


def with_batcher(limit, story, clock=time.monotonic):
    """Runs `await story(ask, batcher, model)`; `ask(values)` is a future of what the model makes of them.

    clock: what the batcher's deadlines are measured by.
    """
    model = Model()

    async def live():
        batcher = Batcher(limit, clock=clock)
        lane = Lane(model, batched=True)

        def ask(*values, deadline=SOON, lane=lane, size=1):
            inputs = {"x": np.array(values, np.int64)}
            late = clock() + deadline
            return batcher.submit(lane, inputs, rows=len(values), size=size, deadline=late)

        ask.lane = lane
        try:
            return await story(ask, batcher, model)
        finally:
            model.go_on.set()
            batcher.close()

    return asyncio.run(asyncio.wait_for(live(), 2 * SOON))
