"""The driver of the Evaluator: adds the number of earlier candidates per test set to the cache key."""

import json
from typing import TYPE_CHECKING

from absl import logging
from tfx.dsl.components.base.base_driver import BaseDriver
from tfx.orchestration.portable import data_types
from tfx.proto.orchestration import driver_output_pb2
from tfx.types import Artifact, artifact_utils
from tfx.types import standard_component_specs as specs
from tfx.utils import path_utils

from serving.storage.resolve import files_for
from serving.store.manifest import model_digest
from serving.store.publish import model_entries

if TYPE_CHECKING:
    from ml_metadata import MetadataStore

EARLIER = "earlier_candidates"
"""The execution property with the numbers by test set, as JSON; "" if no driver runs (Kubeflow)."""
TEST_SET, CANDIDATE, EXAMPLES = "test_set", "candidate", "judged_examples"
"""Custom properties of a ModelEvaluation: the digests of the texts that it is of and of the judged model, and
the ids of the examples.
"""


class Driver(BaseDriver):
    """Counts earlier candidates in the lineage store, up to this model's first evaluation on these examples.

    The number is therefore the same when both come again, and the Evaluator is taken from the cache.
    """

    def run(self, execution_info: data_types.ExecutionInfo) -> driver_output_pb2.DriverOutput:
        """Adds the numbers to the execution properties."""
        output = driver_output_pb2.DriverOutput()
        try:
            candidate = digest_of(execution_info.input_dict[specs.MODEL_KEY])
            with self._metadata_handle as metadata:
                counted = earlier_candidates(
                    metadata.store, candidate, examples=ids_of(execution_info.input_dict[specs.EXAMPLES_KEY])
                )
            found = json.dumps(counted, sort_keys=True)
        except Exception as error:
            # Whatever it is, an object store's errors too: the executor meets it again, and its failure is
            # recorded; one raised here leaves the execution running.
            logging.warning("Earlier candidates are not counted: %s", error)
            found = ""
        output.exec_properties[EARLIER].string_value = found
        return output


def earlier_candidates(store: "MetadataStore", candidate: str, *, examples: str) -> dict[str, int]:
    """Test set -> number of other models that were judged on it before this one.

    Args:
      candidate: the digest of the model.
      examples: `ids_of` the examples that it is judged on now. What was recorded after it was judged on these
        first does not count, on no test set.
    """
    done: set[str] = set()
    models: dict[str, set[str]] = {}
    for evaluation in sorted(store.get_artifacts_by_type("ModelEvaluation"), key=lambda each: each.id):
        properties = evaluation.custom_properties
        if TEST_SET not in properties or CANDIDATE not in properties:
            continue
        test_set, judged = properties[TEST_SET].string_value, properties[CANDIDATE].string_value
        if judged == candidate:
            if EXAMPLES not in properties or properties[EXAMPLES].string_value == examples:
                break
            done.add(test_set)
        elif test_set not in done:
            models.setdefault(test_set, set()).add(judged)
    return {test_set: len(judged) for test_set, judged in models.items()}


def record_judged(
    evaluation: Artifact, *, test_set: str | None, models: list[Artifact], examples: list[Artifact]
) -> None:
    """Records the properties of a ModelEvaluation that `earlier_candidates` counts by.

    Args:
      test_set: the digest of the texts; None if they have no hashes.
      models: the candidate, the only one.
      examples: the examples that it was judged on.
    """
    evaluation.set_string_custom_property(TEST_SET, test_set or "")
    evaluation.set_string_custom_property(CANDIDATE, digest_of(models))
    evaluation.set_string_custom_property(EXAMPLES, ids_of(examples))


def ids_of(examples: list[Artifact]) -> str:
    """The ids of artifacts, as a string."""
    return ",".join(str(number) for number in sorted(artifact.id for artifact in examples))


def digest_of(models: list[Artifact]) -> str:
    """The digest of a Model artifact, as the version store computes it."""
    model = artifact_utils.get_single_instance(models)
    folder = path_utils.serving_model_path(model.uri, path_utils.is_old_model_artifact(model))
    return model_digest(model_entries(files_for(folder), folder))
