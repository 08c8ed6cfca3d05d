"""BentoML with adaptive batching."""

import bentoml
from saved_model import Model


@bentoml.service(workers=1)
class Sentiment:
    def __init__(self) -> None:
        self.model = Model()

    @bentoml.api(batchable=True, max_batch_size=64)
    def predict(self, instances: list[str]) -> list[float]:
        return self.model.probabilities(instances).tolist()
