"""The executor of DataCheck: collects findings, writes the verdict, and stops the run on any finding."""

import dataclasses
import json
import os
from typing import Any

from absl import logging
from google.protobuf.message import Message
from tensorflow_metadata.proto.v0 import anomalies_pb2, statistics_pb2
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

from components.class_names import Names, names_in
from components.data_check import texts
from components.data_check.facts import SplitFacts, split_facts
from components.data_check.findings import findings, only_too_few, warnings
from components.data_check.sample import count_labels
from components.data_check.settings import CheckSettings
from components.errors import DataStopped, TooFewReviews
from components.example_gen.reading import READING_FILE

# TFX's own names for these files; its modules that define them import all of TFDV.
_STATISTICS_FILE = "FeatureStats.pb"
_ANOMALIES_FILE = "SchemaDiff.pb"


class Executor(base_executor.BaseExecutor):
    """Checks statistics, anomalies and texts."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the verdict, a JSON value.

        {"splits": {name: SplitFacts as JSON}, "findings": [one line each], "warnings": [one line for each
        class with few examples], "reading": what TextExampleGen's
        reading.json says, or null, "vocabulary" and "labels": see `texts.TextFacts`}

        Raises:
          TooFewReviews: there are findings, but only in splits of too few examples.
          DataStopped: there are others; the message has a line for each finding.
        """
        settings = CheckSettings.model_validate_json(exec_properties["settings"])
        statistics = artifact_utils.get_single_instance(input_dict["statistics"])
        anomalies = artifact_utils.get_single_instance(input_dict["anomalies"])
        facts = {
            split: split_facts(message)
            for split, message in _messages(
                statistics, _STATISTICS_FILE, statistics_pb2.DatasetFeatureStatisticsList
            )
        }
        classes = names_in(input_dict.get("examples"))
        if len(classes) > 2:
            facts = {split: _with_counts(known, split, input_dict, classes) for split, known in facts.items()}
        judged = (facts, dict(_messages(anomalies, _ANOMALIES_FILE, anomalies_pb2.Anomalies)), settings)
        looked_at = texts.look_at(
            input_dict.get("examples"), settings, exec_properties.get("embedding_settings")
        )
        found = [*findings(*judged, classes=classes), *looked_at.findings]
        warned = list(warnings(facts, classes))
        for line in warned:
            logging.warning("%s", line)
        artifact_utils.get_single_instance(output_dict["verdict"]).write(
            {
                "splits": {split: known.to_json(classes) for split, known in facts.items()},
                "findings": found,
                "warnings": warned,
                "reading": _reading(input_dict.get("examples")),
                "vocabulary": looked_at.vocabulary,
                "labels": looked_at.labels,
            }
        )
        if found:
            only_small = only_too_few(*judged, classes=classes) and not looked_at.findings
            raise (TooFewReviews if only_small else DataStopped)(_told(found))


def _with_counts(
    known: SplitFacts, split: str, input_dict: dict[str, list[types.Artifact]], classes: Names
) -> SplitFacts:
    """The facts with the examples of each of more than two classes, which the statistics do not have."""
    folder = artifact_utils.get_split_uri(input_dict["examples"], split)
    return dataclasses.replace(known, class_counts=count_labels(folder, len(classes)))


def _messages(artifact: types.Artifact, name: str, kind: type[Message]) -> list[tuple[str, Any]]:
    """A protocol buffer a split, in the artifact's order of splits."""
    messages = []
    for split in artifact_utils.decode_split_names(artifact.split_names):
        with fileio.open(os.path.join(artifact_utils.get_split_uri([artifact], split), name), "rb") as file:
            messages.append((split, kind.FromString(file.read())))
    return messages


def _reading(examples: list[types.Artifact] | None) -> dict[str, Any] | None:
    """The account of the rows that TextExampleGen wrote beside its splits; None for examples of another
    origin.
    """
    if not examples:
        return None
    path = os.path.join(examples[0].uri, READING_FILE)
    if not fileio.exists(path):
        return None
    with fileio.open(path) as file:
        return json.loads(file.read())


def _told(found: list[str]) -> str:
    count = "1 thing is" if len(found) == 1 else f"{len(found)} things are"
    lines = "\n".join(f"  {line}" for line in found)
    return f"The data check stopped the run before training; {count} wrong with the data:\n{lines}"
