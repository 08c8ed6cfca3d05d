"""The server's metrics in Prometheus's format, with TensorFlow Serving's names.

TensorFlow Serving's counters do not end in `_total`, as prometheus-client would have it for its own: they are
shown with the type `untyped`, which every query treats alike. Its latencies are in microseconds.
"""

import collections
from collections.abc import Callable, Iterable

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from serving.status import Code

PATH = "/monitoring/prometheus/metrics"
"""Where TensorFlow Serving shows its metrics."""
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_MICROSECONDS = tuple(round(10 * 1.8**step, 1) for step in range(28))
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class _Count(Collector):
    """A counter by labels that keeps its name as it is."""

    def __init__(self, name: str, help_text: str, labels: tuple[str, ...]) -> None:
        self._name, self._help, self._labels = name, help_text, labels
        self.values: collections.Counter[tuple[str, ...]] = collections.Counter()

    def collect(self) -> Iterable[Metric]:
        metric = Metric(self._name, self._help, "unknown")
        for labels, value in sorted(self.values.items()):
            metric.add_sample(self._name, dict(zip(self._labels, labels, strict=True)), value)
        yield metric


class Metrics:
    """The metrics of one server, for one model."""

    def __init__(self, model_name: str) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self._model = model_name
        prometheus_client.disable_created_metrics()
        self._requests = self._count(
            ":tensorflow:serving:request_count", "Requests to the model.", ("model_name", "status")
        )
        self._loads = self._count(
            ":tensorflow:cc:saved_model:load_attempt_count",
            "Attempts to load a version, those that did not verify included.",
            ("model_path", "status"),
        )
        self._latency = self._histogram(
            ":tensorflow:serving:request_latency",
            "Microseconds from a request's inputs to its outputs.",
            ("model_name", "API", "entrypoint"),
            _MICROSECONDS,
        )
        self._latencies: dict[str, Histogram] = {}
        self._runtime = self._histogram(
            ":tensorflow:serving:runtime_latency",
            "Microseconds of a call of the model.",
            ("model_name", "API", "runtime"),
            _MICROSECONDS,
        ).labels(model_name, "Predict", "TF1")
        self._load_latency = self._histogram(
            ":tensorflow:cc:saved_model:load_latency",
            "Microseconds of verifying, loading and warming up a version.",
            ("model_path",),
            tuple(1000 * 2.0**step for step in range(18)),
        )
        self._batch_rows = self._histogram(
            ":tensorflow:serving:batching_session:processed_batch_size",
            "Rows in a call.",
            ("model_name",),
            _ROWS,
        ).labels(model_name)
        self._batch_requests = self._histogram(
            "greenlight_batch_requests", "Requests that shared a call.", ("model_name",), _ROWS
        ).labels(model_name)
        self._queue = self._gauge("greenlight_queue_rows", "Rows that wait for the model.")
        self._running = self._gauge("greenlight_running_calls", "Calls of the model in progress.")
        self._live = self._gauge("greenlight_model_version", "The newest version that answers; 0 for none.")
        self._loaded = self._gauge("greenlight_loaded_versions", "Versions that answer.")
        self._answering = self._gauge(
            "greenlight_model_answers", "Whether a version is loaded and the newest one answers: 1 or 0."
        )
        self._refused = Counter(
            "greenlight_versions_refused",
            "Versions that did not verify, load or answer, once for each reason.",
            ("model_name",),
            registry=self.registry,
        ).labels(model_name)
        self._http = Counter(
            "greenlight_http_requests",
            "HTTP answers.",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self._answers: dict[tuple[str, str, int], Counter] = {}
        self._connections = self._gauge("greenlight_http_connections", "Open HTTP connections.")
        self._log_rows = Counter(
            "greenlight_request_log_rows",
            "Rows sampled for the request log, by what became of them.",
            ("outcome",),
            registry=self.registry,
        )

    def request(self, *, protocol: str, code: Code, seconds: float) -> None:
        """A request to the model ended. protocol: `rest`, `grpc` or `v2`."""
        self._requests.values[self._model, code.name] += 1
        latency = self._latencies.get(protocol)
        if latency is None:
            entry = {"rest": "REST", "grpc": "GRPC", "v2": "V2"}.get(protocol, protocol)
            latency = self._latencies[protocol] = self._latency.labels(self._model, "Predict", entry)
        latency.observe(seconds * 1e6)

    def call(self, rows: int, requests: int, seconds: float) -> None:
        """The model was called."""
        self._batch_rows.observe(rows)
        self._batch_requests.observe(requests)
        self._runtime.observe(seconds * 1e6)

    def load(self, path: str, code: Code, seconds: float) -> None:
        """A version was loaded, or could not be."""
        self._loads.values[path, code.name] += 1
        if code is Code.OK:
            self._load_latency.labels(path).observe(seconds * 1e6)

    def refused(self) -> None:
        """A version was refused for a reason that is new."""
        self._refused.inc()

    def versions(self, loaded: list[int]) -> None:
        """The versions that answer now, newest first."""
        self._live.set(loaded[0] if loaded else 0)
        self._loaded.set(len(loaded))

    def answering(self, yes: bool) -> None:
        """Whether the newest version answers."""
        self._answering.set(int(yes))

    def http(self, *, route: str, method: str, status: int) -> None:
        """An HTTP request was answered. route: one of a few, never a client's own words."""
        answers = self._answers.get((route, method, status))
        if answers is None:
            answers = self._answers[route, method, status] = self._http.labels(route, method, str(status))
        answers.inc()

    def log_rows(self, outcome: str, rows: int) -> None:
        """Rows of the request log are in a whole file (`written`) or lost (`dropped`)."""
        self._log_rows.labels(outcome).inc(rows)

    def follow(
        self, *, queued: Callable[[], int], running: Callable[[], int], connections: Callable[[], int]
    ) -> None:
        """Asks these whenever the metrics are read: rows that wait, calls in progress, HTTP connections."""
        self._queue.set_function(queued)
        self._running.set_function(running)
        self._connections.set_function(connections)

    def render(self) -> bytes:
        """All of it in Prometheus's text format."""
        return prometheus_client.generate_latest(self.registry)

    def _count(self, name: str, help_text: str, labels: tuple[str, ...]) -> _Count:
        count = _Count(name, help_text, labels)
        self.registry.register(count)
        return count

    def _gauge(self, name: str, help_text: str) -> Gauge:
        return Gauge(name, help_text, ("model_name",), registry=self.registry).labels(self._model)

    def _histogram(
        self, name: str, help_text: str, labels: tuple[str, ...], buckets: tuple[float, ...]
    ) -> Histogram:
        return Histogram(name, help_text, labels, buckets=buckets, registry=self.registry)
