"""Structured access logs: one JSON line per request and event, with request ids, without content.

A thread writes the lines, so that a slow reader of standard error never delays a response.
"""

import collections
import contextlib
import itertools
import logging
import re
import secrets
import threading
import time
import traceback
from typing import Any, BinaryIO

import orjson

from serving.endpoint.asgi import Scope
from serving.model.metrics import Metrics

_LOG = logging.getLogger("greenlight.serving")

HEADER = b"x-request-id"
_FIT = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")
_ROUTES = re.compile(
    r"/(?:v1/models/[^/:]+(?:/(?:versions|labels)/[^/:]+)?(?P<v1>/metadata|:predict|:classify|:regress)?"
    r"|v2/models/[^/]+(?:/versions/[^/]+)?(?P<v2>/infer|/ready|/explain)?"
    r"|(?P<fixed>v2/health/live|v2/health/ready|v2|monitoring/prometheus/metrics|healthz|readyz|openapi\.json|))",
    re.IGNORECASE,
)
_LONGEST_QUEUE = 20_000
_GATHER_SECONDS = 0.1


class LineSink:
    """Writes lines to a stream in the background; lines that cannot be written are dropped and counted.

    The count is logged once the stream accepts lines again.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = getattr(stream, "raw", stream)  # a buffer would keep what it could not write
        self._lines: collections.deque[bytes] = collections.deque()
        self._refused = 0  # changed by the callers only
        self._unwritten = 0  # changed by the thread only, as is what was reported of both
        self._reported = 0
        self._line_end = b""  # what ends a line of which only a part could be written
        self._wake = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._work, name="log", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """The number of dropped lines that was not logged yet."""
        return self._refused + self._unwritten - self._reported

    def write(self, record: dict[str, Any]) -> None:
        """Queues a record as a line of JSON."""
        if len(self._lines) >= _LONGEST_QUEUE:
            self._refused += 1
            return
        self._lines.append(orjson.dumps(record, default=str))
        if not self._wake.is_set():
            self._wake.set()

    def close(self) -> None:
        """Writes the remaining lines; waits at most a second."""
        self._ended = True
        self._wake.set()
        self._thread.join(1)

    def _work(self) -> None:
        while not self._ended:
            self._wake.wait()
            if not self._ended:
                time.sleep(_GATHER_SECONDS)
            self._wake.clear()
            self._flush()
        self._flush()

    def _flush(self) -> None:
        lines = [self._lines.popleft() for _ in range(len(self._lines))]
        dropped = self.dropped
        report = [orjson.dumps({"event": "log lines dropped", "lines": dropped})] if dropped else []
        if not lines and not report:
            return
        content = self._line_end + b"".join(line + b"\n" for line in (*lines, *report))
        written = self._written(content)
        if written == len(content):
            self._reported += dropped
        else:
            whole = content.count(b"\n", len(self._line_end), max(written, len(self._line_end)))
            self._unwritten += max(0, len(lines) - whole)
        if written:
            self._line_end = b"" if content[written - 1 : written] == b"\n" else b"\n"

    def _written(self, content: bytes) -> int:
        """Writes `content`; returns the number of bytes that the stream accepted."""
        place = 0
        with contextlib.suppress(OSError, ValueError):  # a full disk, or a reader that has exited
            while place < len(content):
                count = self._stream.write(content[place:])
                if not count:  # a full non-blocking stream
                    break
                place += count
        return place


class EventHandler(logging.Handler):
    """Passes log records to a sink, with their extra fields, and only the type of an exception."""

    _OWN = frozenset(logging.LogRecord("", 0, "", 0, "", (), None).__dict__) | {"message", "taskName"}

    def __init__(self, sink: LineSink) -> None:
        super().__init__()
        self._sink = sink

    def emit(self, record: logging.LogRecord) -> None:
        extra = {key: value for key, value in record.__dict__.items() if key not in self._OWN}
        if record.exc_info and record.exc_info[0] is not None:
            extra["error"] = record.exc_info[0].__name__
        self._sink.write(
            {"time": _stamp(record.created), "level": record.levelname.lower(), "event": record.getMessage()}
            | extra
        )


class AccessLog:
    """Assigns request ids and logs requests."""

    def __init__(self, metrics: Metrics, sink: LineSink | None) -> None:
        self._metrics = metrics
        self._sink = sink
        self._prefix = secrets.token_hex(6)
        self._numbers = itertools.count(1)

    def request_id(self, given: bytes | None) -> str:
        """The client's id if it has only safe characters, otherwise a new one."""
        if given is not None and _FIT.fullmatch(given):
            return given.decode("ascii")
        return f"{self._prefix}-{next(self._numbers):x}"

    def note(
        self, *, protocol: str, route: str, status: int | str, seconds: float, request_id: str, **more: Any
    ) -> None:
        """Logs the end of a request."""
        if self._sink is not None:
            now = time.time()
            self._sink.write(
                {
                    "time": _stamp(now),
                    "level": "info",
                    "event": "request",
                    "protocol": protocol,
                    "route": route,
                    "status": status,
                    "ms": round(seconds * 1000, 3),
                    "request_id": request_id,
                }
                | more
            )

    def http_ended(self, scope: Scope, *, status: int, seconds: float, request_id: str) -> None:
        """Logs the end of an HTTP request; status 0 if the client has disconnected."""
        route = route_of(scope["path"])
        method = scope["method"] if scope["method"] in ("GET", "POST", "HEAD", "OPTIONS") else "other"
        self._metrics.http(route=route, method=method, status=status)
        client = scope.get("client")
        self.note(
            protocol="http",
            route=f"{method} {route}",
            status=status or "gone",
            seconds=seconds,
            request_id=request_id,
            client=client[0] if client else None,
        )


def log_bug(event: str, error: BaseException, *, request_id: str) -> None:
    """Logs the location of a bug, without its message, which may quote the request."""
    where = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)][-5:]
    _LOG.error(event, extra={"request_id": request_id, "error": type(error).__name__, "where": where})


def route_of(path: str) -> str:
    """The route of a path: one of a few names, for any path of a client."""
    found = _ROUTES.fullmatch(path)
    if found is None:
        return "other"
    if found["fixed"] is not None:
        return "/" + found["fixed"].lower()
    kind = path[1:3].lower()
    return f"/{kind}/models" + (found["v1"] or found["v2"] or "").lower()


def _stamp(seconds: float) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds % 1 * 1000):03d}Z"
