"""LitServe with batching; the port is the only argument."""

import sys

import litserve
from saved_model import Model


class Sentiment(litserve.LitAPI):
    def setup(self, device: str) -> None:
        self.model = Model()

    def decode_request(self, request: dict) -> str:
        return request["instances"][0]

    def batch(self, inputs: list[str]) -> list[str]:
        return inputs

    def predict(self, x: list[str]) -> list[float]:
        return self.model.probabilities(x).tolist()

    def unbatch(self, output: list[float]) -> list[float]:
        return output

    def encode_response(self, output: float) -> dict:
        return {"predictions": [{"probability": output}]}


if __name__ == "__main__":
    server = litserve.LitServer(Sentiment(max_batch_size=64, batch_timeout=0.005), accelerator="cpu")
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning")
