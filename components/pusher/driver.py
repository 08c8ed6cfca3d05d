"""The driver of the Pusher: a cached push is valid while its version is in the store."""

from absl import logging
from tfx.dsl.components.base.base_driver import BaseDriver
from tfx.orchestration.portable import data_types
from tfx.proto.orchestration import driver_output_pb2

from components.pusher.executor import Executor, content_digest, store_root
from serving.errors import StoreError
from serving.versions import VersionStore

GENERATION = "generation"
UNREADABLE = "unreadable"


class Driver(BaseDriver):
    """Puts the store's generation into the cache key.

    A push found in the cache is right while nothing was wiped, rolled back, pruned or damaged since, and
    while no other model is live. A model that will not be pushed has no need of a store, and none is made for
    it.
    """

    def run(self, execution_info: data_types.ExecutionInfo) -> driver_output_pb2.DriverOutput:
        """The execution properties with the generation in them."""
        output = driver_output_pb2.DriverOutput()
        executor, inputs = Executor(), execution_info.input_dict
        generation = ""
        if executor.CheckBlessing(inputs):
            root = store_root(execution_info.exec_properties)
            generation = _generation(root, model=executor.GetModelPath(inputs))
        output.exec_properties[GENERATION].string_value = generation
        return output


def _generation(root: str, *, model: str) -> str:
    try:
        store = VersionStore(root)
        store.create()
        return store.generation(content_digest(model))
    except (StoreError, OSError) as error:
        # The executor meets it again, and its failure is recorded; one raised here leaves the execution
        # running.
        logging.warning("The version store or the model cannot be used: %s", error)
        return UNREADABLE
