"""What runs before the cache is asked: an earlier answer counts while the store would give it again."""

from absl import logging
from tfx.dsl.components.base.base_driver import BaseDriver
from tfx.orchestration.portable import data_types
from tfx.proto.orchestration import driver_output_pb2

from components.errors import GreenlightError
from components.production_model.choice import key_of
from components.production_model.executor import FOUND, STORE_ROOT, find

UNREADABLE = "unreadable"


class Driver(BaseDriver):
    """Puts the content of the version to compare with into the cache key."""

    def run(self, execution_info: data_types.ExecutionInfo) -> driver_output_pb2.DriverOutput:
        """The execution properties with what is found in them."""
        output = driver_output_pb2.DriverOutput()
        try:
            found = key_of(find(execution_info.exec_properties[STORE_ROOT], execution_info.input_dict))
        except (GreenlightError, OSError) as error:
            # The executor meets it again, and its failure is recorded; one raised here leaves the execution
            # running.
            logging.warning("The version store or the candidate cannot be used: %s", error)
            found = UNREADABLE
        output.exec_properties[FOUND].string_value = found
        return output
