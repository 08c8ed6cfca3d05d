"""The driver of TextExampleGen: makes the content of the source part of the cache key."""

import uuid
from typing import Any

from absl import logging
from tfx.components.example_gen import driver, utils
from tfx.orchestration import data_types

from components.example_gen.exec_properties import (
    CUSTOM_CONFIG,
    SPANS,
    UNREADABLE,
    spans_to_json,
    stage_config,
    with_content_fingerprint,
)
from components.example_gen.sources import parts as sources
from components.example_gen.sources import spans
from components.example_gen.sources.spans import Span
from components.example_gen.span_pattern import BASE


class Driver(driver.Driver):
    """Chooses the spans, and replaces the source's address by the fingerprint of its content.

    TFX hashes the execution properties that the driver returns. With the fingerprint and without paths, sizes
    and times, copied or touched examples hit the cache, and one changed byte does not. The executor reads the
    address from the node's definition, which is not hashed.
    """

    def resolve_exec_properties(
        self,
        exec_properties: dict[str, Any],
        pipeline_info: data_types.PipelineInfo,
        component_info: data_types.ComponentInfo,
    ) -> dict[str, Any]:
        """Overrides TFX's choice of the newest span, and its fingerprint of sizes and times."""
        del pipeline_info, component_info
        config = stage_config(exec_properties[CUSTOM_CONFIG])
        chosen: list[Span] = []
        try:
            chosen = spans.chosen(config.settings)
            fingerprint = config.fingerprint or sources.fingerprint(config.settings, chosen)
        except Exception:
            # The executor fails again, which is recorded; an error raised here would leave the execution
            # running. The fingerprint is unique: if the executor succeeds, no later run may reuse its output.
            logging.exception("The source has no fingerprint")
            fingerprint = f"{UNREADABLE}{uuid.uuid4()}"
        exec_properties.update(with_content_fingerprint(exec_properties, fingerprint=fingerprint))
        exec_properties[utils.SPAN_PROPERTY_NAME] = chosen[-1].number if chosen else BASE
        exec_properties[utils.VERSION_PROPERTY_NAME] = chosen[-1].version if chosen else None
        if chosen:
            exec_properties[SPANS] = spans_to_json(chosen)
        exec_properties[utils.FINGERPRINT_PROPERTY_NAME] = fingerprint
        return exec_properties
