"""The record, beside an exported model, of the splits that its weights were fitted on."""

import json
import os
from collections.abc import Sequence

import tensorflow as tf

FILE_NAME = "fitted_on.json"

_WITHOUT_RECORD = ("train",)


def write(model_uri: str, splits: Sequence[str]) -> None:
    """Writes the record into the folder of a Model artifact."""
    with tf.io.gfile.GFile(os.path.join(model_uri, FILE_NAME), "w") as file:
        file.write(json.dumps({"splits": list(splits)}) + "\n")


def read(model_uri: str) -> tuple[str, ...]:
    """The splits of the Model artifact in that folder; `train` for a model without a record."""
    path = os.path.join(model_uri, FILE_NAME)
    if not tf.io.gfile.exists(path):
        return _WITHOUT_RECORD
    with tf.io.gfile.GFile(path) as file:
        return tuple(json.loads(file.read())["splits"])
