"""The predictions of a split as TFMA measures them: tf.Examples without the texts.

TFMA takes the probabilities from them (model type `materialized_prediction`) and calls no model: each has
answered once, for the verdict. Metrics, slices and validation are TFMA's.
"""

import itertools
import math
import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_model_analysis.constants import BASELINE_KEY, CANDIDATE_KEY
from tensorflow_model_analysis.proto import config_pb2
from tfx.components.util import examples_utils
from tfx.proto import example_gen_pb2
from tfx.types import Artifact, artifact_utils, standard_artifacts
from tfx.types import standard_component_specs as specs
from tfx.utils import proto_utils

from components.evaluator.gate import at_threshold, probabilities_of, without_thresholds
from components.evaluator.predictions import Predictions
from components.reviews import LABEL, LENGTH, SPAN

Artifacts = dict[str, list[Artifact]]

_EXAMPLES_OF_A_FILE = 10_000
"""Beam gives a file to one worker."""


def write_examples(found: Predictions, folder: str, split: str) -> Artifact:
    """Writes an example for each prediction, and returns the Examples artifact.

    Its features are label (int64), length and the columns of the metadata (bytes), span (int64, if the
    examples have spans) and the probabilities of each model that has some, float [1] or [K].
    """
    within = os.path.join(folder, f"Split-{split}")
    tf.io.gfile.makedirs(within)
    records = _records(found)
    parts = math.ceil(len(found) / _EXAMPLES_OF_A_FILE)
    for part in range(parts):
        with tf.io.TFRecordWriter(os.path.join(within, f"data_tfrecord-{part:05}-of-{parts:05}")) as writer:
            for record in itertools.islice(records, _EXAMPLES_OF_A_FILE):
                writer.write(record)
    examples = standard_artifacts.Examples()
    examples.uri = folder
    examples.split_names = artifact_utils.encode_split_names([split])
    examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
    return examples


def _records(found: Predictions) -> Iterator[bytes]:
    texts: Mapping[str, np.ndarray] = {LENGTH: found.length, **(found.slices or {})}
    numbers = {LABEL: found.label} | ({} if found.span is None else {SPAN: found.span})
    probabilities = {probabilities_of(CANDIDATE_KEY): found.scores.reshape(len(found), -1)}
    if found.baseline_scores is not None:
        probabilities[probabilities_of(BASELINE_KEY)] = found.baseline_scores.reshape(len(found), -1)
    for row in range(len(found)):
        example = tf.train.Example()
        feature = example.features.feature
        for name, column in texts.items():
            feature[name].bytes_list.value.append(column[row].encode())
        for name, column in numbers.items():
            feature[name].int64_list.value.append(int(column[row]))
        for name, column in probabilities.items():
            feature[name].float_list.value.extend(column[row])
        yield example.SerializeToString()


def artifacts(input_dict: Artifacts, examples: Artifact, *, baseline: bool) -> Artifacts:
    """What TFX's Evaluator takes: these examples, and the models that its blessing names.

    baseline: whether the examples have the probabilities of one.
    """
    models = [specs.MODEL_KEY, *([specs.BASELINE_MODEL_KEY] if baseline else [])]
    return {name: input_dict[name] for name in models} | {specs.EXAMPLES_KEY: [examples]}


def properties(exec_properties: dict[str, Any], threshold: float | None, *, judges: bool) -> dict[str, Any]:
    """The execution properties with the model's threshold, and without the gate's unless TFMA judges, too."""
    if judges and threshold is None:
        return exec_properties
    config = config_pb2.EvalConfig()
    proto_utils.json_to_proto(exec_properties[specs.EVAL_CONFIG_KEY], config)
    if threshold is not None:
        config = at_threshold(config, threshold)
    if not judges:
        config = without_thresholds(config)
    return exec_properties | {specs.EVAL_CONFIG_KEY: proto_utils.proto_to_json(config)}
