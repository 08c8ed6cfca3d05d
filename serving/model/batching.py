"""Dynamic batching: rows of several requests share a model call; a single row on an idle model never waits.

Everything runs in one event loop except the model calls, which run in worker threads, so no lock is needed.
"""

import asyncio
import collections
import dataclasses
import queue
import threading
import time
from collections.abc import Callable, Sequence

import numpy as np

from serving.model.predictor import Inputs, Outputs
from serving.status import Code, RequestError

Run = Callable[[Inputs], Outputs]
Observe = Callable[[int, int, float], None]


@dataclasses.dataclass(frozen=True, kw_only=True)
class BatchLimits:
    """The limits of batching.

    Attributes:
      max_rows: rows in a call.
      max_delay: seconds that rows may wait to be batched.
      max_queue: waiting rows.
      workers: parallel calls.
      inline_seconds: seconds that a call with a single row may block the event loop.
    """

    max_rows: int
    max_delay: float
    max_queue: int
    workers: int
    inline_seconds: float


@dataclasses.dataclass(slots=True, eq=False)
class _Request:
    """A queued request: its inputs of `rows` rows and `size` bytes, with times in seconds of the clock."""

    inputs: Inputs
    rows: int
    size: int
    deadline: float
    future: "asyncio.Future[Outputs]"
    arrived: float


class Lane:
    """The requests for one signature of one loaded version.

    Attributes:
      batched: whether requests can share a call.
      active: the number of unfinished requests.
    """

    def __init__(self, run: Run, *, batched: bool) -> None:
        self.run = run
        self.batched = batched
        self.waiting: collections.deque[_Request] = collections.deque()
        self.rows = 0
        self.active = 0
        self.when_idle: Callable[[], None] | None = None
        self._single_row_seconds = self._single_row_size = 0.0

    def expected_seconds(self, size: int) -> float | None:
        """The expected seconds of a call with one row of `size` bytes, from earlier calls."""
        if not self._single_row_seconds:
            return None
        return self._single_row_seconds * max(1.0, size / max(1.0, self._single_row_size))

    def took(self, seconds: float, size: int) -> None:
        """Records a call with one row of `size` bytes, in an exponential moving average."""
        share = 0.2 if self._single_row_seconds else 1.0
        self._single_row_seconds += share * (seconds - self._single_row_seconds)
        self._single_row_size += share * (size - self._single_row_size)

    def leave(self, requests: int) -> None:
        """Records that requests have finished."""
        self.active -= requests
        if self.active == 0 and self.when_idle is not None:
            self.when_idle()


class Batcher:
    """Runs the requests of all lanes, oldest first, in `limits.workers` threads.

    Args:
      limits: the limits.
      observe: is called after each call with its rows, requests and seconds.
      clock: the clock of deadlines.
    """

    def __init__(
        self,
        limits: BatchLimits,
        *,
        observe: Observe = lambda rows, requests, seconds: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits
        self.queued = 0
        self.running = 0
        self._observe = observe
        self._clock = clock
        self._lanes: dict[int, Lane] = {}  # those with waiting requests
        self._scheduled = False
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.SimpleQueue[tuple[Lane, list[_Request]] | None] = queue.SimpleQueue()
        self._deadline_timer: asyncio.TimerHandle | None = None
        self._dispatch_timer: asyncio.TimerHandle | None = None
        self._unfinished: set[_Request] = set()
        self._threads = [
            threading.Thread(target=self._work, name=f"model-{number}", daemon=True)
            for number in range(limits.workers)
        ]
        for thread in self._threads:
            thread.start()

    async def run(self, lane: Lane, inputs: Inputs, *, rows: int, size: int, deadline: float) -> Outputs:
        """The outputs for a request of `rows` rows and `size` bytes.

        A request with more rows than a call may have is divided into several calls, each queued after the
        requests that arrived meanwhile, so that it does not delay the others.

        Raises:
          RequestError: what `submit` raises, or the model's own error.
        """
        most = self.limits.max_rows
        if rows <= most or not lane.batched:
            return await self.submit(lane, inputs, rows=rows, size=size, deadline=deadline)
        parts = []
        lane.active += 1  # between its parts, too
        try:
            for start in range(0, rows, most):
                part = {name: value[start : start + most] for name, value in inputs.items()}
                count = min(most, rows - start)
                share = size * count // rows
                outputs = await self.submit(lane, part, rows=count, size=share, deadline=deadline)
                if not _row_by_row(outputs, count):  # the output is of the whole, not of each row
                    return await self.submit(lane, inputs, rows=rows, size=size, deadline=deadline)
                parts.append(outputs)
        finally:
            lane.leave(1)
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def submit(
        self, lane: Lane, inputs: Inputs, *, rows: int, size: int, deadline: float
    ) -> "asyncio.Future[Outputs]":
        """Queues a request of `rows` rows and `size` bytes; the future gets the outputs or a RequestError.

        deadline: in seconds of the clock.

        Raises:
          RequestError: RESOURCE_EXHAUSTED (503 over HTTP) if the queue is full.
        """
        if self.queued and self.queued + rows > self.limits.max_queue:
            raise RequestError(
                Code.RESOURCE_EXHAUSTED,
                f"The queue is full: {self.queued} rows of {self.limits.max_queue} wait. Try again later.",
                retry_after=1,
                http=Code.UNAVAILABLE.http,  # 429 would blame this client
            )
        request = _Request(inputs, rows, size, deadline, self._loop.create_future(), self._clock())
        lane.waiting.append(request)
        lane.rows += rows
        lane.active += 1
        self.queued += rows
        self._lanes[id(lane)] = lane
        self._unfinished.add(request)
        self._expire_at(deadline)
        self._schedule()
        return request.future

    def close(self) -> None:
        """Ends the threads once the calls in progress are done."""
        for _ in self._threads:
            self._jobs.put(None)

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._dispatch)

    def _dispatch(self) -> None:
        """Starts model calls while a worker is free, the lane with the oldest request first.

        Example with two workers and max_delay 5 ms: a request on an idle model is called at once (`_take`,
        `_start`). A second one, 1 ms later, waits for up to 5 ms to be batched, because a call is running:
        `_dispatch_in` schedules the next dispatch. A third one in the same lane, 2 ms later, joins it, and
        both share the call that starts when the second one's time is up, or when the lane has max_rows rows.
        """
        self._scheduled = False
        while self.running < self.limits.workers and self._lanes:
            lane = min(self._lanes.values(), key=lambda lane: lane.waiting[0].arrived)
            if (seconds := self._batching_delay(lane)) > 0:
                self._dispatch_in(seconds)
                return
            if batch := self._take(lane):
                self._start(lane, batch)

    def _batching_delay(self, lane: Lane) -> float:
        """Seconds that the lane's rows may wait to be batched; 0 on an idle model or for a full call."""
        if not self.running or lane.rows >= self.limits.max_rows:
            return 0.0
        return lane.waiting[0].arrived + self.limits.max_delay - self._clock()

    def _dispatch_in(self, seconds: float) -> None:
        if self._dispatch_timer is not None:
            self._dispatch_timer.cancel()
        self._dispatch_timer = self._loop.call_later(seconds, self._schedule)

    def _take(self, lane: Lane) -> list[_Request]:
        """Removes the next requests from a lane that share a call: at least one, at most max_rows rows.

        Requests that were canceled or have expired are dropped, so the result can be empty.
        """
        batch: list[_Request] = []
        rows, now = 0, self._clock()
        while lane.waiting:
            request = lane.waiting[0]
            if request.future.done() or request.deadline <= now:
                self._remove_first(lane)
                self._expire(request)
                lane.leave(1)
                continue
            if batch and not (lane.batched and rows + request.rows <= self.limits.max_rows):
                break
            self._remove_first(lane)
            batch.append(request)
            rows += request.rows
        if not lane.waiting:
            self._lanes.pop(id(lane), None)
        return batch

    def _remove_first(self, lane: Lane) -> None:
        request = lane.waiting.popleft()
        lane.rows -= request.rows
        self.queued -= request.rows

    def _start(self, lane: Lane, batch: list[_Request]) -> None:
        """Calls the model: in this thread for a single row that is expected to be quick, else in a worker."""
        if self._is_quick(lane, batch):
            self._finish(lane, batch, *_answer(lane, batch))
        else:
            self.running += 1
            self._jobs.put((lane, batch))

    def _is_quick(self, lane: Lane, batch: list[_Request]) -> bool:
        """Whether to call the model in this thread: two thread switches cost as much as a short call."""
        if self.running or self._lanes or len(batch) > 1 or batch[0].rows > 1:
            return False
        expected = lane.expected_seconds(batch[0].size)
        return expected is not None and expected < self.limits.inline_seconds

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            lane, batch = job
            answers, seconds = _answer(lane, batch)
            try:
                self._loop.call_soon_threadsafe(self._done, lane, batch, answers, seconds)
            except RuntimeError:  # the event loop is closed: there is no waiter left
                return

    def _done(
        self, lane: Lane, batch: list[_Request], answers: Sequence[Outputs | RequestError], seconds: float
    ) -> None:
        self.running -= 1
        self._dispatch()
        self._finish(lane, batch, answers, seconds)

    def _finish(
        self, lane: Lane, batch: list[_Request], answers: Sequence[Outputs | RequestError], seconds: float
    ) -> None:
        rows = 0
        for request, answer in zip(batch, answers, strict=True):
            rows += request.rows
            self._unfinished.discard(request)
            if request.future.done():
                continue
            if isinstance(answer, RequestError):
                request.future.set_exception(answer)
            else:
                request.future.set_result(answer)
        if rows == 1:
            lane.took(seconds, batch[0].size)
        self._observe(rows, len(batch), seconds)
        lane.leave(len(batch))

    def _expire_at(self, deadline: float) -> None:
        """Schedules `_expire_overdue` for a deadline, unless an earlier one is scheduled."""
        when = self._loop.time() + max(0.0, deadline - self._clock())
        if self._deadline_timer is None or when < self._deadline_timer.when():
            if self._deadline_timer is not None:
                self._deadline_timer.cancel()
            self._deadline_timer = self._loop.call_at(when, self._expire_overdue)

    def _expire_overdue(self) -> None:
        """Fails the requests whose deadline has passed, waiting or running."""
        self._deadline_timer = None
        now = self._clock()
        for request in [request for request in self._unfinished if request.deadline <= now]:
            self._expire(request)
        if self._unfinished:
            self._expire_at(min(request.deadline for request in self._unfinished))

    def _expire(self, request: _Request) -> None:
        self._unfinished.discard(request)
        if not request.future.done():
            request.future.set_exception(
                RequestError(Code.DEADLINE_EXCEEDED, "The request's time was up before the model answered.")
            )


def _answer(lane: Lane, batch: list[_Request]) -> tuple[Sequence[Outputs | RequestError], float]:
    """The result of each request; if a shared call fails, each request is called on its own."""
    started = time.perf_counter()
    if len(batch) == 1:
        answers = [_alone(lane, batch[0])]
    else:
        try:
            answers = _together(lane, batch)
        except Exception:  # lack of memory, too: each request gets its own result
            answers = [_alone(lane, request) for request in batch]
    return answers, time.perf_counter() - started


def _alone(lane: Lane, request: _Request) -> Outputs | RequestError:
    try:
        return lane.run(request.inputs)
    except RequestError as error:
        return error
    except Exception as error:  # a bug here must not end the thread
        return RequestError(Code.INTERNAL, f"The model call failed: {type(error).__name__}")


def _together(lane: Lane, batch: list[_Request]) -> list[Outputs | RequestError]:
    names = batch[0].inputs
    try:
        joined = {name: np.concatenate([request.inputs[name] for request in batch]) for name in names}
    except ValueError as error:  # their other dimensions differ
        raise RequestError(Code.INVALID_ARGUMENT, str(error)) from error
    outputs = lane.run(joined)
    total = sum(request.rows for request in batch)
    if not _row_by_row(outputs, total):
        raise RequestError(Code.INTERNAL, "an output does not have one row for each of the input")
    answers: list[Outputs | RequestError] = []
    start = 0
    for request in batch:
        stop = start + request.rows
        answers.append({name: value[start:stop] for name, value in outputs.items()})
        start = stop
    return answers


def _row_by_row(outputs: Outputs, rows: int) -> bool:
    """Whether each output has one row per input row; an output of rank 0 has none."""
    return all(value.shape[:1] == (rows,) for value in outputs.values())
