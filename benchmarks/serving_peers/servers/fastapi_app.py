"""TensorFlow in FastAPI, without batching, as tutorials show it."""

from fastapi import FastAPI
from pydantic import BaseModel
from saved_model import Model

app = FastAPI()
model = Model()


class Request(BaseModel):
    instances: list[str]


@app.post("/predict")
def predict(request: Request) -> dict:
    found = model.probabilities(request.instances)
    return {"predictions": [{"probability": float(probability)} for probability in found]}
