"""TensorFlow Serving's own stubs, on a real socket."""

import grpc
import pytest
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc


@pytest.fixture(scope="module")
def channel(served):
    with grpc.insecure_channel(served.grpc) as opened:
        yield opened


@pytest.fixture(scope="module")
def prediction(channel):
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


@pytest.fixture(scope="module")
def models(channel):
    return model_service_pb2_grpc.ModelServiceStub(channel)


@pytest.fixture
def status_of():
    """Make a call that has to fail; the answer is its code's name and its text."""

    def call(method, request, **options) -> tuple[str, str]:
        with pytest.raises(grpc.RpcError) as caught:
            method(request, timeout=20, **options)
        return caught.value.code().name, caught.value.details()

    return call
