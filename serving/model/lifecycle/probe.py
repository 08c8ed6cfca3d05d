"""The probe of a version that serves: after failed requests it is asked a known question until it answers."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from serving.model.load_attempt import in_thread, retrieve_exception
from serving.model.predictor import Predictor
from serving.model.trial import Question

SUSPICIOUS = 3
"""Failed requests in a row after which a version is probed."""

AGAIN_SECONDS = 5.0
"""The pause between two probes of a version."""


class Probe:
    """The probe of one version.

    Attributes:
      answers: whether the version answered its question when it was last asked.
      failed: requests that failed in a row.
      task: the running probe, if any.
    """

    def __init__(self, predictor: Predictor, question: Question) -> None:
        self._predictor = predictor
        self._question = question
        self._asked_at = -AGAIN_SECONDS
        self.answers = True
        self.failed = 0
        self.task: asyncio.Task[None] | None = None

    def start(
        self,
        *,
        seconds: float,
        serves: Callable[[], bool],
        lease: Callable[[], AbstractContextManager[object]],
        judge: Callable[[str], None],
    ) -> None:
        """Starts probing, unless a probe is running or the last one ended less than AGAIN_SECONDS ago.

        Args:
          seconds: how long the version may take to answer.
          serves: whether the version still serves; the probe ends when it does not.
          lease: keeps the version loaded during a question.
          judge: is called after each question with the reason of a failure, or ""; it sets `answers`.
        """
        if self.task is None and time.monotonic() >= self._asked_at + AGAIN_SECONDS:
            self.task = asyncio.create_task(self._run(seconds, serves, lease, judge))

    async def _run(
        self,
        seconds: float,
        serves: Callable[[], bool],
        lease: Callable[[], AbstractContextManager[object]],
        judge: Callable[[str], None],
    ) -> None:
        answer: asyncio.Future[None] | None = None
        while serves():
            if answer is None or answer.done():  # a question that is still open is not asked twice
                answer = in_thread(lambda: self._question.ask(self._predictor))
                answer.add_done_callback(retrieve_exception)
            with lease():
                await asyncio.wait({answer}, timeout=seconds)
            self._asked_at = time.monotonic()
            judge(_failure(answer, seconds))
            if self.answers:
                break
            await asyncio.sleep(AGAIN_SECONDS)
        self.task = None
        self.failed = 0


def _failure(answer: "asyncio.Future[None]", seconds: float) -> str:
    """The reason why a question has no answer; "" if it has one."""
    if not answer.done():
        return f"no answer within {seconds:g} seconds"
    error = answer.exception()
    return "" if error is None else getattr(error, "message", str(error))
