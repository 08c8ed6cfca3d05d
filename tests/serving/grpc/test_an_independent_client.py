"""OpenVINO's client for TensorFlow Serving's protocols, in a process of its own: it has its own copies of the
protocol's messages.
"""

import json
import subprocess
import sys

import pytest

SCRIPT = """
import json, sys
from ovmsclient import make_grpc_client, make_http_client
make = {"grpc": make_grpc_client, "http": make_http_client}[sys.argv[1]]
client = make(sys.argv[2])
name, version = "imdb_sentiment", int(sys.argv[3])
status = client.get_model_status(name, version)
metadata = client.get_model_metadata(name, version)
outputs = client.predict({"text": ["a good film", "a film"]}, name, version)
labels = [one.decode() if isinstance(one, bytes) else one for one in outputs["label"].tolist()]
print(json.dumps({
    "states": {str(number): told["state"] for number, told in status.items()},
    "signatures": list(metadata["metadata"]["signature_def"]["signature_def"]) if "metadata" in metadata
        else [metadata["model_version"], metadata["inputs"]["text"]["shape"]],
    "labels": labels,
    "probabilities": outputs["probability"].tolist(),
}))
try:
    client.predict({"text": ["a"]}, "other", version)
except Exception as error:
    print(type(error).__name__)
"""


@pytest.mark.parametrize(("protocol", "version"), [("grpc", 0), ("grpc", 1), ("http", 1)])
def test_openvinos_client_works_unchanged(served, protocol, version):
    address = served.grpc if protocol == "grpc" else served.rest
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, protocol, address, str(version)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    answer, error = ended.stdout.splitlines()
    found = json.loads(answer)
    assert found["states"] == {"1": "AVAILABLE"}
    # Over HTTP it looks for OpenVINO's own spelling of the keys, and hands on what it does not know.
    whole = ["classify", "kinds", "one_number", "regress", "serving_default", "tf_example"]
    assert found["signatures"] == ([1, [-1]] if protocol == "grpc" else whole)
    assert found["labels"] == ["positive", "negative"]
    assert found["probabilities"] == pytest.approx([0.7310586, 0.2689414], abs=1e-6)
    assert error == "ModelNotFoundError"
