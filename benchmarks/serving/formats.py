"""Formats of a prediction request of one text, and of its response."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Format:
    """`body`: a text to the request's JSON; `probability`: the response's JSON to the probability."""

    body: Callable[[str], Any]
    probability: Callable[[Any], float]

    def request(self, text: str) -> bytes:
        return json.dumps(self.body(text)).encode()

    def answer(self, body: bytes) -> float:
        """Raises KeyError, IndexError, TypeError or ValueError where `body` is not such a response."""
        return float(self.probability(json.loads(body)))


def _tensor(text: str) -> dict[str, Any]:
    return {"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": [text]}]}


def _instances(text: str) -> dict[str, Any]:
    return {"instances": [text]}


TENSORFLOW = "tensorflow"
FORMATS = {
    TENSORFLOW: Format(_instances, lambda body: body["predictions"][0]["probability"]),
    "open-inference": Format(_tensor, lambda body: body["outputs"][0]["data"][0]),
    "list": Format(_instances, lambda body: body[0]),
}
"""By name: TensorFlow Serving's REST API, the Open Inference Protocol, and a bare list of probabilities."""
