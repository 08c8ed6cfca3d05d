"""MLServer with adaptive batching: a runtime of its own, as it has none for TensorFlow."""

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse
from saved_model import Model


class Sentiment(MLModel):
    async def load(self) -> bool:
        self._model = Model()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        texts = StringCodec.decode_input(payload.inputs[0])
        found = np.asarray(self._model.probabilities(texts)).reshape(-1, 1)
        return InferenceResponse(
            model_name=self.name, outputs=[NumpyCodec.encode_output("probability", found)]
        )
