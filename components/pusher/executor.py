"""The executor of the Pusher: checks the blessings, publishes the model, records the result."""

import dataclasses
import json
from typing import Any

from absl import logging
from tfx.components.pusher import executor as tfx_executor
from tfx.proto import pusher_pb2
from tfx.types import Artifact, artifact_utils
from tfx.types import standard_component_specs as specs
from tfx.utils import io_utils, proto_utils

from components.pusher.facts import gather, records
from components.pusher.settings import PushSettings
from components.store_errors import as_greenlight_errors
from serving.storage.resolve import files_for
from serving.store.manifest import Facts, model_digest
from serving.store.publish import model_entries
from serving.store.records import PushResult
from serving.store.signing import signer_of, verifier_of
from serving.versions import VersionStore

SETTINGS = "settings"
OUTCOME, REASON, DIGEST, FACTS = "outcome", "reason", "model_digest", "facts"
REFUSED = "refused"

_Artifacts = dict[str, list[Artifact]]


class Executor(tfx_executor.Executor):
    """TFX's Pusher with the version store in place of a copy to a folder named for the time.

    The PushedModel artifact gets, besides TFX's properties, `outcome` (pushed, unchanged, rejected, refused),
    `reason` and `model_digest`; of a refused model also `facts`, from which an approval makes its manifest.
    """

    def Do(self, input_dict: _Artifacts, output_dict: _Artifacts, exec_properties: dict[str, Any]) -> None:
        """Pushes the model if every blessing given says so.

        Args:
          input_dict: model; optionally model_blessing, infra_blessing, and evaluation and examples for the
            manifest.
          output_dict: pushed_model, which gets a copy of the model that was pushed or is live already.
          exec_properties: push_destination, whose base directory is the store's, and settings: PushSettings
            as JSON.

        Raises:
          GreenlightError: the store cannot be written, or the model is not a SavedModel.
        """
        pushed = artifact_utils.get_single_instance(output_dict[specs.PUSHED_MODEL_KEY])
        blessed = self.CheckBlessing(input_dict)
        model = self.GetModelPath(input_dict)
        facts = gather(input_dict, model_path=model, run_id=self._run_id())
        if not blessed:
            self._refuse(pushed, facts, model=model)
            return
        settings = PushSettings.model_validate_json(exec_properties[SETTINGS])
        with as_greenlight_errors():
            result = _store(exec_properties, settings).push(
                model, facts, why=_why(facts), records=records(input_dict)
            )
        logging.info("Pusher: %s, %s", result.outcome, result.reason)
        self._record(pushed, result, model=model)

    def _refuse(self, pushed: Artifact, facts: Facts, *, model: str) -> None:
        self._MarkNotPushed(pushed)
        pushed.set_string_custom_property(OUTCOME, REFUSED)
        pushed.set_string_custom_property(REASON, "the model was not blessed")
        pushed.set_string_custom_property(DIGEST, content_digest(model))
        pushed.set_string_custom_property(FACTS, json.dumps(dataclasses.asdict(facts)))

    def _record(self, pushed: Artifact, result: PushResult, *, model: str) -> None:
        if result.outcome == "rejected":
            self._MarkNotPushed(pushed)
        else:
            io_utils.copy_dir(model, pushed.uri)
            self._MarkPushed(pushed, pushed_destination=result.path, pushed_version=str(result.version))
        pushed.set_string_custom_property(OUTCOME, result.outcome)
        pushed.set_string_custom_property(REASON, result.reason)
        pushed.set_string_custom_property(DIGEST, result.digest)

    def _run_id(self) -> str | None:
        return self._context.pipeline_run_id if self._context else None


def store_root(exec_properties: dict[str, Any]) -> str:
    """The folder that the push destination names."""
    destination = pusher_pb2.PushDestination()
    proto_utils.json_to_proto(exec_properties[specs.PUSH_DESTINATION_KEY], destination)
    return destination.filesystem.base_directory


def content_digest(model: str) -> str:
    """The version store's digest of the SavedModel in the folder `model`."""
    return model_digest(model_entries(files_for(model), model))


def _store(exec_properties: dict[str, Any], settings: PushSettings) -> VersionStore:
    return VersionStore(
        store_root(exec_properties),
        signer=signer_of(settings.signing_key),
        verifier=verifier_of(settings.public_key),
        single_writer=settings.single_writer,
    )


def _why(facts: Facts) -> str:
    return f"run {facts.run_id}" if facts.run_id else "pushed by a pipeline"
