"""The conversion of data settings to ExampleGen's execution properties, and back.

`input_config` and `output_config` are those of any ExampleGen: the source as a pattern, the splits with their
weights. `custom_config` has all settings, and the fingerprints of the content and of the code.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format, struct_pb2
from tfx.proto import example_gen_pb2
from tfx.types import standard_component_specs
from tfx.utils import proto_utils

from components.errors import InputError
from components.example_gen.settings import DataSettings
from components.example_gen.sources.spans import Span, in_words

INPUT_CONFIG = standard_component_specs.INPUT_CONFIG_KEY
CUSTOM_CONFIG = standard_component_specs.CUSTOM_CONFIG_KEY
SPANS = "spans"
"""The spans that the driver has chosen, as JSON, if the source has spans."""
UNREADABLE = "unreadable:"
"""The prefix of the unique fingerprint of a source that cannot be read."""
LOCATION_SETTINGS = ("source", "tfds_data_dir", "window", "span", "without_spans", "with_base")
"""Settings of the content's location and selection, which the content's fingerprint replaces."""


@dataclass(frozen=True, kw_only=True)
class StageConfig:
    """The content of `custom_config`."""

    data: dict[str, Any]
    """DataSettings as JSON; without LOCATION_SETTINGS once the driver has added the fingerprint."""
    code: str
    fingerprint: str

    @property
    def settings(self) -> DataSettings:
        return DataSettings.model_validate(self.data)

    def to_proto(self) -> example_gen_pb2.CustomConfig:
        values = struct_pb2.Struct()
        values.update({"data": self.data, "code": self.code, "fingerprint": self.fingerprint})
        config = example_gen_pb2.CustomConfig()
        config.custom_config.Pack(values)
        return config


def stage_config(custom_config: str) -> StageConfig:
    """The StageConfig in the JSON of a `custom_config` property."""
    config = example_gen_pb2.CustomConfig()
    proto_utils.json_to_proto(custom_config, config)
    values = struct_pb2.Struct()
    config.custom_config.Unpack(values)
    return StageConfig(**json.loads(json_format.MessageToJson(values)))


def input_config(pattern: str) -> example_gen_pb2.Input:
    """A single input split; `output_config` has the output splits."""
    return example_gen_pb2.Input(splits=[example_gen_pb2.Input.Split(name="reviews", pattern=pattern)])


def output_config(settings: DataSettings) -> example_gen_pb2.Output:
    """The splits and their weights."""
    weights = {"train": settings.train_weight, "eval": settings.eval_weight, "test": settings.test_weight}
    return example_gen_pb2.Output(
        split_config=example_gen_pb2.SplitConfig(
            splits=[
                example_gen_pb2.SplitConfig.Split(name=name, hash_buckets=weights[name])
                for name in settings.split_names
            ]
        )
    )


def spans_to_json(spans: Iterable[Span]) -> str:
    """The numbers and versions of spans, for the property SPANS."""
    return json.dumps([[span.number, span.version] for span in spans])


def spans_from_json(text: str, *, found: Iterable[Span]) -> list[Span]:
    """The spans that `spans_to_json` was given, as far as they still exist."""
    existing = {(span.number, span.version): span for span in found}
    wanted = [(number, version) for number, version in json.loads(text)]
    missing = [number for number, version in wanted if (number, version) not in existing]
    if missing:
        raise InputError(f"data.source: {in_words(missing)} went away while the run was starting. Run again.")
    return [existing[key] for key in wanted]


def with_content_fingerprint(exec_properties: Mapping[str, Any], *, fingerprint: str) -> dict[str, str]:
    """The properties of the cache key: the fingerprint of the content instead of the source's location.

    Equal content therefore has the same cache key under any name. For the source files:/a/*.csv with the
    split salt "s" and the fingerprint "f1", the input pattern /a/*.csv becomes f1, and in `custom_config`
    {"source": "files:/a/*.csv", "split_salt": "s"} becomes {"split_salt": "s"}, with the fingerprint "f1".

    Returns:
      The replaced properties, INPUT_CONFIG and CUSTOM_CONFIG, as JSON.
    """
    config = stage_config(exec_properties[CUSTOM_CONFIG])
    content = StageConfig(
        data={key: value for key, value in config.data.items() if key not in LOCATION_SETTINGS},
        code=config.code,
        fingerprint=fingerprint,
    )
    return {
        INPUT_CONFIG: proto_utils.proto_to_json(input_config(fingerprint)),
        CUSTOM_CONFIG: proto_utils.proto_to_json(content.to_proto()),
    }
