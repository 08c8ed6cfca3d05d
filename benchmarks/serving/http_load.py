"""A load generator for predictions over HTTP, with one connection per client.

    python -m benchmarks.serving.http_load http://127.0.0.1:8501/v1/models/imdb_sentiment:predict --clients 64

Prints how far it is, a JSON object a line, and at last what it came to. Leaner than any HTTP library, so that
on a machine of two cores the server gets most of them.
"""

import argparse
import asyncio
import json
import statistics
import time
from urllib.parse import urlsplit

import uvloop

from benchmarks.reviews_made import real_reviews
from benchmarks.serving.formats import FORMATS, TENSORFLOW, Format

_TOLERANCE = 1e-4
_TEXTS = 2000
_REPORTS = 200


class Load:
    """What all clients do together. Answers to one text have to agree, whichever version gives them."""

    def __init__(self, url: str, texts: list[str], *, clients: int, requests: int, form: Format) -> None:
        parts = urlsplit(url)
        self.host, self.port = str(parts.hostname), int(parts.port or 80)
        self.requests = [_request(parts.path, parts.netloc, form.request(text)) for text in texts]
        self.form = form
        self.clients = clients
        self.total = requests
        self.left = requests
        self.seconds: list[float] = []
        self.answers: dict[int, float] = {}
        self.failures: list[str] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.report_every = max(1, requests // _REPORTS)

    async def run(self) -> dict[str, object]:
        loop = asyncio.get_running_loop()
        started = time.perf_counter()
        step = max(1, len(self.requests) // self.clients)
        for number in range(self.clients):
            await loop.create_connection(
                lambda first=number * step: _Client(self, first), self.host, self.port
            )
        await self.done
        seconds = time.perf_counter() - started
        return {
            "requests": len(self.seconds),
            "failed": len(self.failures),
            "first_failure": self.failures[0] if self.failures else None,
            "rows_per_second": len(self.seconds) / seconds,
            "median_ms": 1000 * statistics.median(self.seconds),
            "p99_ms": 1000 * sorted(self.seconds)[int(len(self.seconds) * 0.99)],
        }

    def ended(self, text: int, seconds: float, failure: str | None, probability: float) -> None:
        """A request was answered, or was not."""
        self.seconds.append(seconds)
        if failure is None and abs(self.answers.setdefault(text, probability) - probability) > _TOLERANCE:
            failure = f"text {text}: {probability}, and {self.answers[text]} before"
        if failure is not None:
            self.failures.append(failure)
        if len(self.seconds) % self.report_every == 0:
            print(json.dumps({"done": len(self.seconds)}), flush=True)
        if len(self.seconds) == self.total or (failure and len(self.failures) > 100):
            self.done.done() or self.done.set_result(None)


class _Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, load: Load, first: int) -> None:
        self._load = load
        self._text = first
        self._received = b""
        self._waits = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        if self._load.left <= 0:
            self._transport.close()
            return
        self._load.left -= 1
        self._text = (self._text + 1) % len(self._load.requests)
        self._waits = True
        self._asked = time.perf_counter()
        self._transport.write(self._load.requests[self._text])  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found or len(body) < _content_length(head):
            return
        self._received = b""
        self._waits = False
        seconds = time.perf_counter() - self._asked
        if head.startswith(b"HTTP/1.1 200 "):
            self._load.ended(self._text, seconds, None, self._load.form.answer(body))
        else:
            self._load.ended(self._text, seconds, self._received.decode() or body.decode(), 0.0)
        self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        if self._waits:
            self._load.ended(self._text, time.perf_counter() - self._asked, f"connection lost: {error}", 0.0)


def _request(path: str, host: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def _content_length(head: bytes) -> int:
    start = head.index(b"content-length:") + len(b"content-length:")
    return int(head[start:].split(b"\r\n", 1)[0])


def texts(count: int = _TEXTS) -> list[str]:
    """Reviews of both classes: every so manieth of the packaged ones."""
    every = 25_000 // count
    return [text for text, _ in real_reviews()[: every * count : every]]


async def _run(options: argparse.Namespace) -> dict[str, object]:
    load = Load(
        options.url,
        texts(),
        clients=options.clients,
        requests=options.requests,
        form=FORMATS[options.format],
    )
    return await load.run()


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.serving.http_load",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("url", help="where to POST")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--requests", type=int, default=10_000, help="of all clients together")
    parser.add_argument("--format", choices=FORMATS, default=TENSORFLOW, help="of requests and responses")
    print(json.dumps(uvloop.run(_run(parser.parse_args()))))


if __name__ == "__main__":
    main()
