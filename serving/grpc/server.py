"""The gRPC server: TensorFlow Serving's services, the Open Inference Protocol's, health and reflection."""

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from grpc_health.v1 import health_pb2_grpc
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

from serving.endpoint import descriptors
from serving.endpoint.access_log import AccessLog
from serving.endpoint.auth import ApiKeys
from serving.grpc import health as grpc_health
from serving.grpc import inference as grpc_inference
from serving.grpc import models as grpc_models
from serving.grpc import prediction as grpc_prediction
from serving.grpc.boundary import Boundary
from serving.grpc.calls import refuse
from serving.grpc.reflection import add_reflection
from serving.model.service import Service
from serving.settings import ServeSettings
from serving.status import RequestError

_KEEPALIVE_SECONDS = 60
_PING_SECONDS = 10
"""The shortest time between two pings of a client before they count as abuse."""


class GrpcServer:
    """The gRPC server of `service` for clients with one of `keys`; create and use it in one event loop."""

    def __init__(
        self, service: Service, settings: ServeSettings, *, keys: ApiKeys, access: AccessLog
    ) -> None:
        self._settings = settings
        self._server = grpc.aio.server(
            interceptors=[*([_KeyCheck(keys)] if keys else []), Boundary(access)],
            options=_options(settings),
            maximum_concurrent_rpcs=settings.max_queue,
        )
        self._health = grpc_health.HealthServicer(
            (grpc_prediction.NAME, grpc_models.NAME, grpc_inference.NAME),
            ready=service.ready,
            most_watchers=max(
                1, settings.max_queue // 4
            ),  # needs no key, so watchers must not use up all calls
        )
        prediction = grpc_prediction.PredictionServicer(service, access)
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(prediction, self._server)
        models = grpc_models.ModelServicer(service, access)
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(models, self._server)
        inference = grpc_inference.GRPCInferenceServicer(service, access)
        grpc_inference.add_to_server(inference, self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        add_reflection(self._server)

    def listen(self, address: str) -> int:
        """Binds `host:port` and returns the port; calls are answered after `start`.

        Raises:
          RuntimeError: the address or the certificate cannot be used.
        """
        settings = self._settings
        if settings.tls_certificate is None or settings.tls_key is None:
            return self._server.add_insecure_port(address)
        pair = (settings.tls_key.read_bytes(), settings.tls_certificate.read_bytes())
        return self._server.add_secure_port(address, grpc.ssl_server_credentials([pair]))

    async def start(self) -> None:
        """Starts to answer calls."""
        await self._server.start()

    def readiness_changed(self) -> None:
        """To be called when the readiness of the service may have changed."""
        self._health.changed()

    async def stop(self, grace: float) -> None:
        """Refuses new calls; active ones have `grace` seconds to end."""
        self._health.close()
        await self._server.stop(grace)


def _options(settings: ServeSettings) -> list[tuple[str, int]]:
    return [
        ("grpc.so_reuseport", 0),  # otherwise two servers on one port would each answer some of the calls
        ("grpc.max_receive_message_length", settings.max_body_bytes),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_allowed_incoming_connections", descriptors.shares(settings)[1]),
        ("grpc.max_concurrent_streams", settings.max_connections),
        ("grpc.server_handshake_timeout_ms", round(1000 * settings.header_seconds)),
        ("grpc.max_connection_idle_ms", round(1000 * settings.idle_seconds)),
        ("grpc.keepalive_time_ms", 1000 * _KEEPALIVE_SECONDS),
        ("grpc.keepalive_timeout_ms", round(1000 * settings.header_seconds)),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", 1000 * _PING_SECONDS),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", 1000 * _PING_SECONDS),
    ]


class _KeyCheck(grpc.aio.ServerInterceptor):
    """Refuses calls without a key, except for health checks."""

    def __init__(self, keys: ApiKeys) -> None:
        self._keys = keys

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], handler_call_details: Any
    ) -> Any:
        """The handler of the method, or one that refuses the call."""
        handler = await continuation(handler_call_details)
        if handler is None or handler_call_details.method.startswith(f"/{grpc_health.NAME}/"):
            return handler
        try:
            self._keys.check(_headers(handler_call_details.invocation_metadata))
        except RequestError as error:
            return _refusing(error, streaming=handler.request_streaming)
        return handler


def _headers(metadata: Any) -> dict[bytes, bytes]:
    return {key.encode(): value.encode() if isinstance(value, str) else value for key, value in metadata}


def _refusing(error: RequestError, *, streaming: bool) -> grpc.RpcMethodHandler:
    async def refused(request: Any, context: Any) -> None:
        await refuse(context, error)

    kind = grpc.stream_stream_rpc_method_handler if streaming else grpc.unary_unary_rpc_method_handler
    return kind(refused)
