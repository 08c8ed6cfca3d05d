"""The Schema stage: TFX's ImportSchemaGen with the schema file's content in its cache key.

The classes and the slice columns of the data come into the schema here.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tensorflow_metadata.proto.v0 import schema_pb2
from tfx import types
from tfx.components.schema_gen.executor import DEFAULT_FILE_NAME
from tfx.components.schema_gen.import_schema_gen import executor
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import artifact_utils, component_spec, standard_artifacts, standard_component_specs
from tfx.types.channel import Channel
from tfx.utils import io_utils

from components.fingerprints import code_fingerprint
from components.reviews import LABEL

SCHEMA_FILE = Path(__file__).with_name("schema.pbtxt")


class _CuratedSchemaSpec(component_spec.ComponentSpec):
    PARAMETERS = {
        "schema_file": component_spec.ExecutionParameter(type=str),
        "sha256": component_spec.ExecutionParameter(type=str),
        "data": component_spec.ExecutionParameter(type=str, optional=True),
        "code": component_spec.ExecutionParameter(type=str),
    }
    INPUTS: dict = {}
    OUTPUTS = {"schema": component_spec.ChannelParameter(type=standard_artifacts.Schema)}


def schema_for(
    curated: schema_pb2.Schema, *, classes: int, slice_columns: Sequence[str]
) -> schema_pb2.Schema:
    """The curated schema for labels of that many classes, with a string in every example for each column."""
    schema = schema_pb2.Schema()
    schema.CopyFrom(curated)
    for feature in schema.feature:
        if feature.name == LABEL:
            feature.int_domain.max = classes - 1
    for name in slice_columns:
        feature = schema.feature.add(name=name, type=schema_pb2.BYTES)
        feature.presence.min_fraction = 1.0
        feature.presence.min_count = 1
        feature.shape.SetInParent()
    return schema


class Executor(executor.Executor):
    """Copies the schema file, or writes it for the classes and slice columns of the data."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """exec_properties: `schema_file`; `data`: the arguments of `schema_for` as JSON, or None."""
        super().Do(input_dict, output_dict, exec_properties)
        data = exec_properties.get("data")
        if not data:
            return
        uri = artifact_utils.get_single_uri(output_dict[standard_component_specs.SCHEMA_KEY])
        path = os.path.join(uri, DEFAULT_FILE_NAME)
        curated = io_utils.SchemaReader().read(path)
        io_utils.write_pbtxt_file(path, schema_for(curated, **json.loads(data)))


class CuratedSchema(base_component.BaseComponent):
    """Brings a curated schema file into the pipeline as a Schema artifact.

    ImportSchemaGen's only parameter is the file's path, so an edited schema would be taken from the cache as
    it was. Here the content counts.
    """

    SPEC_CLASS = _CuratedSchemaSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self, schema_file: Path = SCHEMA_FILE, *, classes: int = 2, slice_columns: Sequence[str] = ()
    ):
        """Reads `schema_file` for its hash.

        Args:
          schema_file: the schema of examples of two classes without slice columns.
          classes: the number of classes of the data.
          slice_columns: `data.slice_columns`.

        Raises:
          OSError: the file cannot be read.
        """
        as_it_is = classes == 2 and not slice_columns
        data = json.dumps({"classes": classes, "slice_columns": list(slice_columns)})
        super().__init__(
            spec=_CuratedSchemaSpec(
                schema_file=str(schema_file),
                sha256=hashlib.sha256(schema_file.read_bytes()).hexdigest(),
                data=None if as_it_is else data,
                code=code_fingerprint(__name__),
                schema=Channel(type=standard_artifacts.Schema),
            )
        )
