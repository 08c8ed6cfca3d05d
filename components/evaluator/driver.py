"""What runs before the cache is asked: how many models were judged on each test set before this one."""

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
"""The execution property with the numbers by test set, as JSON; "" where no driver runs (Kubeflow)."""
TEST_SET, CANDIDATE = "test_set", "candidate"
"""Custom properties of a ModelEvaluation: the digests of the texts that it is of and of the judged model."""


class Driver(BaseDriver):
    """Counts in the lineage store, up to the first time that this very model was judged.

    So the number stays what it was when the model is judged again, and the Evaluator comes from the cache.
    """

    def run(self, execution_info: data_types.ExecutionInfo) -> driver_output_pb2.DriverOutput:
        """The execution properties with the numbers in them."""
        output = driver_output_pb2.DriverOutput()
        try:
            candidate = digest_of(execution_info.input_dict[specs.MODEL_KEY])
            with self._metadata_handle as metadata:
                found = json.dumps(earlier_candidates(metadata.store, candidate), sort_keys=True)
        except OSError as error:
            # The executor meets it again, and its failure is recorded; one raised here leaves the execution
            # running.
            logging.warning("The candidate cannot be read: %s", error)
            found = ""
        output.exec_properties[EARLIER].string_value = found
        return output


def earlier_candidates(store: "MetadataStore", candidate: str) -> dict[str, int]:
    """Test set -> how many models were judged on it before this one was judged first."""
    models: dict[str, set[str]] = {}
    for evaluation in sorted(store.get_artifacts_by_type("ModelEvaluation"), key=lambda each: each.id):
        properties = evaluation.custom_properties
        if TEST_SET not in properties or CANDIDATE not in properties:
            continue
        judged = properties[CANDIDATE].string_value
        if judged == candidate:
            break
        models.setdefault(properties[TEST_SET].string_value, set()).add(judged)
    return {test_set: len(judged) for test_set, judged in models.items()}


def digest_of(models: list[Artifact]) -> str:
    """The version store's digest of the content of a Model artifact."""
    model = artifact_utils.get_single_instance(models)
    folder = path_utils.serving_model_path(model.uri, path_utils.is_old_model_artifact(model))
    return model_digest(model_entries(files_for(folder), folder))
