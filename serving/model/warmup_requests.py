"""Warmup requests of a version: TensorFlow Serving's `assets.extra/tf_serving_warmup_requests`."""

import dataclasses
import itertools
import os
from typing import Any

from serving.model.classification import INPUTS, serialized_examples
from serving.model.loader import LoadError
from serving.model.predictor import DEFAULT_SIGNATURE, Inputs
from serving.tensorflow_errors import root_cause

FILE = "assets.extra/tf_serving_warmup_requests"
_MOST = 1000  # TensorFlow Serving's limit


@dataclasses.dataclass(frozen=True, kw_only=True)
class OwnRequest:
    """A request that the version has to answer: the name of the signature, and its inputs."""

    signature: str
    inputs: Inputs


def own_requests(path: str) -> list[OwnRequest]:
    """The requests in the SavedModel folder `path`: Predict, Classify and Regress; none without the file.

    Raises:
      LoadError: the file cannot be read.
    """
    file = f"{path}/{FILE}"
    if "://" not in path and not os.path.exists(file):
        return []
    import tensorflow as tf
    from tensorflow_serving.apis import prediction_log_pb2

    try:
        if not tf.io.gfile.exists(file):
            return []
        records = itertools.islice(tf.data.TFRecordDataset(file).as_numpy_iterator(), _MOST)
        logs = [prediction_log_pb2.PredictionLog.FromString(record) for record in records]
        return [request for log in logs if (request := _request(log)) is not None]
    except Exception as error:  # a damaged file makes TensorFlow and protobuf raise all kinds
        raise LoadError(f"its {FILE} cannot be read: {root_cause(error)}") from error


def _request(log: Any) -> OwnRequest | None:
    """None for a kind of request that is not served here."""
    import tensorflow as tf

    kind = log.WhichOneof("log_type")
    if kind == "predict_log":
        request = log.predict_log.request
        inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
    elif kind in ("classify_log", "regress_log"):
        request = getattr(log, kind).request
        inputs = {INPUTS: serialized_examples(request.input)}
    else:
        return None
    return OwnRequest(signature=request.model_spec.signature_name or DEFAULT_SIGNATURE, inputs=inputs)
