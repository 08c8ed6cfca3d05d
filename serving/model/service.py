"""The model service behind every protocol: versions, checks of requests, and predictions."""

import contextlib
import dataclasses
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from serving.model.batching import Batcher
from serving.model.lifecycle.states import VersionStatus
from serving.model.manager import LoadedVersion, Models
from serving.model.metrics import Metrics
from serving.model.predictor import Inputs, Outputs, Signature
from serving.request_log import RequestLog
from serving.settings import ServeSettings
from serving.status import Code, RequestError, invalid


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """The outputs of a request, with the version and the signature."""

    version: int
    signature: Signature
    outputs: Outputs


@dataclasses.dataclass(frozen=True, kw_only=True)
class Metadata:
    """The signatures of a version."""

    version: int
    signatures: Mapping[str, Signature]


class Service:
    """One model under one name. All methods are called in the event loop and raise RequestError."""

    def __init__(
        self,
        models: Models,
        batcher: Batcher,
        settings: ServeSettings,
        *,
        metrics: Metrics | None = None,
        request_log: RequestLog | None = None,
    ) -> None:
        self.model_name = models.name
        self.settings = settings
        self._models = models
        self._batcher = batcher
        self._metrics = metrics or Metrics(models.name)
        self._request_log = request_log
        self._draining = False

    def ready(self) -> bool:
        """Whether the server accepts new requests."""
        return self._models.ready() and not self._draining

    def drain(self) -> None:
        """Stops being ready; requests are still answered."""
        self._draining = True

    def statuses(self, version: int | None = None, label: str | None = None) -> list[VersionStatus]:
        """The versions' states, newest first."""
        return self._models.statuses(version=version, label=label)

    def labels(self) -> dict[str, int]:
        """The labels in force, with their versions."""
        return self._models.labels()

    def version_ready(self, version: int | None = None) -> bool:
        """Whether a version, or the newest one, is loaded and answers.

        Raises:
          RequestError: it is not loaded.
        """
        return self._models.find(version=version).answers

    def metadata(self, version: int | None = None, label: str | None = None) -> Metadata:
        """The signatures of a version."""
        found = self._models.find(version=version, label=label)
        return Metadata(version=found.version, signatures=found.signatures)

    def lease(
        self, *, version: int | None = None, label: str | None = None
    ) -> contextlib.AbstractContextManager[LoadedVersion]:
        """The version that answers a request, resolved once.

        The request parses its inputs by the version's signatures and passes the version to `predict`. The
        version stays loaded until the block ends, whatever the store publishes meanwhile.

        Raises:
          RequestError: the version is not loaded, or the label is unknown.
        """
        return self._models.find(version=version, label=label).leased()

    async def predict(
        self,
        leased: LoadedVersion,
        signature: Signature,
        inputs: Inputs,
        *,
        deadline: float | None = None,
        request_id: str | None = None,
        protocol: str = "rest",
    ) -> Prediction:
        """Calls the model.

        Args:
          leased: the version of `lease`.
          signature: one of its signatures.
          inputs: exactly those of the signature; strings as arrays of objects (bytes).
          deadline: as of time.monotonic(); `serve.timeout_seconds` applies as well.
          request_id: the request's id in the logs.
          protocol: `rest`, `grpc` or `v2`, for the metrics.

        Raises:
          RequestError: the inputs do not fit, the queue is full, the time is up, or the model's own error.
        """
        started = time.monotonic()
        code = Code.CANCELLED
        try:
            latest = started + self.settings.timeout_seconds
            rows, size = self._checked(signature, inputs)
            until = latest if deadline is None or deadline > latest else deadline
            outputs = await self._call(leased, signature, inputs, rows=rows, size=size, deadline=until)
            code = Code.OK
        except RequestError as error:
            code = error.code
            raise
        finally:
            self._metrics.request(protocol=protocol, code=code, seconds=time.monotonic() - started)
        if self._request_log is not None:
            self._request_log.offer(
                inputs=inputs, outputs=outputs, version=leased.version, request_id=request_id
            )
        return Prediction(version=leased.version, signature=signature, outputs=outputs)

    async def _call(
        self, leased: LoadedVersion, signature: Signature, inputs: Inputs, **limits: Any
    ) -> Outputs:
        """Calls the batcher, and records failures of the version."""
        try:
            outputs = await self._batcher.run(leased.lanes[signature.name], inputs, **limits)
        except RequestError:
            self._models.note(leased, failed=True)
            raise
        self._models.note(leased, failed=False)
        return outputs

    def _checked(self, signature: Signature, inputs: Inputs) -> tuple[int, int]:
        """Checks the inputs; returns the numbers of rows and bytes.

        Raises:
          RequestError: names, ranks, rows or sizes do not match the signature or exceed a limit.
        """
        signature.check_names(inputs)
        signature.check_shapes(inputs)
        rows, size = 1, 0
        for name in signature.inputs:
            value = inputs[name]
            size += self._check_texts(name, value) if value.dtype == object else value.nbytes
            if signature.batched:
                rows = len(value)
        if signature.batched and any(len(inputs[name]) != rows for name in inputs):
            raise invalid("The inputs differ in their number of rows")
        self.check_rows(signature, rows)
        return rows, size

    def check_rows(self, signature: Signature, rows: int) -> None:
        """Raises RequestError for too many rows; called before the rows are parsed."""
        if signature.batched:
            self._check_rows(rows)

    def check_examples(self, count: int, context_bytes: int) -> None:
        """Raises RequestError for too many examples, or a context that is too large once in each."""
        self._check_rows(count)
        size, most = count * context_bytes, self.settings.max_body_bytes
        if size > most:
            raise invalid(
                f"The context, in each of {count} examples, has {size} bytes; the most is {most} "
                "(serve.max_body_bytes)"
            )

    def _check_rows(self, rows: int) -> None:
        most = self.settings.max_rows
        if rows > most:
            raise invalid(f"The request has {rows} rows; the most is {most} (serve.max_rows)")

    def _check_texts(self, name: str, value: np.ndarray) -> int:
        """The number of bytes in the texts."""
        sizes = [len(text) for text in value.flat]
        longest = max(sizes, default=0)
        if longest > self.settings.max_text_bytes:
            raise invalid(
                f"Input {name} holds a text of {longest} bytes; "
                f"the most is {self.settings.max_text_bytes} (serve.max_text_bytes)"
            )
        return sum(sizes)
