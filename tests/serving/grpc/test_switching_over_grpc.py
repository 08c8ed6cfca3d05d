import threading
import time

import grpc
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc


def test_no_call_fails_while_versions_come_and_go(small_workspace, small_model, serve_workspace):
    running = serve_workspace(small_workspace, poll_seconds=0.02)
    request = predict_pb2.PredictRequest(model_spec={"name": "imdb_sentiment"})
    request.inputs["text"].CopyFrom(tf.make_tensor_proto(["a good film"]))
    seen: set[int] = set()
    failures: list[grpc.RpcError] = []
    enough = threading.Event()

    def ask() -> None:
        with grpc.insecure_channel(running.grpc) as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            while not enough.wait(0.005):
                try:
                    seen.add(stub.Predict(request, timeout=30).model_spec.version.value)
                except grpc.RpcError as error:
                    failures.append(error)
                    return

    callers = [threading.Thread(target=ask) for _ in range(3)]
    for caller in callers:
        caller.start()
    try:
        for number in range(1, 5):
            if number > 1:
                running.push(small_model(number / 10))
            while number not in seen:
                assert not failures
                time.sleep(0.005)
    finally:
        enough.set()
        for caller in callers:
            caller.join()
    assert failures == []
    assert seen == {1, 2, 3, 4}
