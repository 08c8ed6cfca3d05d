"""The metrics page: TensorFlow Serving's names and units, in a form that Prometheus reads."""

import prometheus_client.parser
import pytest

from serving.model.metrics import Metrics
from serving.status import Code


@pytest.fixture
def page():
    """What Prometheus makes of the page: samples by name and labels."""
    metrics = Metrics("imdb_sentiment")
    metrics.request(protocol="rest", code=Code.OK, seconds=0.0005)
    metrics.request(protocol="grpc", code=Code.UNAVAILABLE, seconds=0.1)
    metrics.call(64, 60, 0.005)
    metrics.load("/models/1", Code.OK, 0.4)
    metrics.load("/models/2", Code.DATA_LOSS, 0.1)
    metrics.refused()
    metrics.versions([7, 5])
    metrics.log_rows("written", 3)
    metrics.follow(queued=lambda: 11, running=lambda: 2, connections=lambda: 5)
    families = prometheus_client.parser.text_string_to_metric_families(metrics.render().decode())
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }


def test_counters_have_tensorflow_servings_names(page):
    assert page[":tensorflow:serving:request_count", "OK", "imdb_sentiment"] == 1
    assert page[":tensorflow:serving:request_count", "UNAVAILABLE", "imdb_sentiment"] == 1
    assert page[":tensorflow:cc:saved_model:load_attempt_count", "/models/1", "OK"] == 1
    assert page[":tensorflow:cc:saved_model:load_attempt_count", "/models/2", "DATA_LOSS"] == 1


def test_latencies_are_microseconds(page):
    assert page[":tensorflow:serving:request_latency_sum", "Predict", "REST", "imdb_sentiment"] == 500
    assert page[":tensorflow:serving:runtime_latency_sum", "Predict", "TF1", "imdb_sentiment"] == 5000
    assert page[":tensorflow:cc:saved_model:load_latency_sum", "/models/1"] == 400_000


def test_batches_queue_versions_and_errors_are_shown(page):
    size = ":tensorflow:serving:batching_session:processed_batch_size"
    assert (
        page[f"{size}_bucket", "32.0", "imdb_sentiment"],
        page[f"{size}_bucket", "64.0", "imdb_sentiment"],
    ) == (
        0,
        1,
    )
    assert page["greenlight_batch_requests_sum", "imdb_sentiment"] == 60
    assert page["greenlight_queue_rows", "imdb_sentiment"] == 11
    assert page["greenlight_running_calls", "imdb_sentiment"] == 2
    assert page["greenlight_http_connections", "imdb_sentiment"] == 5
    assert page["greenlight_model_version", "imdb_sentiment"] == 7
    assert page["greenlight_loaded_versions", "imdb_sentiment"] == 2
    assert page["greenlight_versions_refused_total", "imdb_sentiment"] == 1
    assert page["greenlight_request_log_rows_total", "written"] == 3
