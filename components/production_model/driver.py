"""The driver of ProductionModel: a cached result is valid while the store would return the same version."""

from absl import logging
from tfx.dsl.components.base.base_driver import BaseDriver
from tfx.orchestration.portable import data_types
from tfx.proto.orchestration import driver_output_pb2

from components.errors import GreenlightError
from components.production_model.choice import key_of
from components.production_model.executor import (
    DAMAGE,
    FOUND,
    STORE_ROOT,
    TRAINED_ON,
    damage_of,
    find,
    store_of,
)
from components.production_model.training_examples import examples_of, has_record
from serving.store.records import Version

UNREADABLE = "unreadable"


class Driver(BaseDriver):
    """Puts the content and the damage of the version to compare with into the cache key, and its examples."""

    def run(self, execution_info: data_types.ExecutionInfo) -> driver_output_pb2.DriverOutput:
        """The execution properties with what is found in them."""
        output = driver_output_pb2.DriverOutput()
        try:
            version = find(execution_info.exec_properties[STORE_ROOT], execution_info.input_dict)
            found, trained_on = key_of(version), self._trained_on(version)
            damage = damage_of(version, store_of(execution_info.exec_properties))
        except (GreenlightError, OSError) as error:
            # The executor meets it again, and its failure is recorded; one raised here leaves the execution
            # running.
            logging.warning("The version store or the candidate cannot be used: %s", error)
            found, trained_on, damage = UNREADABLE, "", ""
        output.exec_properties[FOUND].string_value = found
        output.exec_properties[TRAINED_ON].string_value = trained_on
        if damage:
            output.exec_properties[DAMAGE].string_value = damage
        return output

    def _trained_on(self, version: Version | None) -> str:
        if version is None or has_record(version):
            return ""
        with self._metadata_handle as metadata:
            return examples_of(version, metadata.store)
