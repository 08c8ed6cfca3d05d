"""The Schema stage: TFX's ImportSchemaGen with the schema file's content in its cache key."""

import hashlib
from pathlib import Path

from tfx.components.schema_gen.import_schema_gen import executor
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts
from tfx.types.channel import Channel

SCHEMA_FILE = Path(__file__).with_name("schema.pbtxt")


class _CuratedSchemaSpec(component_spec.ComponentSpec):
    PARAMETERS = {
        "schema_file": component_spec.ExecutionParameter(type=str),
        "sha256": component_spec.ExecutionParameter(type=str),
    }
    INPUTS: dict = {}
    OUTPUTS = {"schema": component_spec.ChannelParameter(type=standard_artifacts.Schema)}


class CuratedSchema(base_component.BaseComponent):
    """Brings a curated schema file into the pipeline as a Schema artifact.

    ImportSchemaGen's only parameter is the file's path, so an edited schema would be taken from the cache as
    it was. Here the content counts.
    """

    SPEC_CLASS = _CuratedSchemaSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(self, schema_file: Path = SCHEMA_FILE):
        """Reads `schema_file` for its hash.

        Raises:
          OSError: the file cannot be read.
        """
        super().__init__(
            spec=_CuratedSchemaSpec(
                schema_file=str(schema_file),
                sha256=hashlib.sha256(schema_file.read_bytes()).hexdigest(),
                schema=Channel(type=standard_artifacts.Schema),
            )
        )
