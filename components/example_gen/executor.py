"""The executor of TextExampleGen: reads the source, writes the splits, counts every row."""

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import apache_beam as beam
from absl import logging
from apache_beam.io.filesystems import FileSystems
from tfx import types
from tfx.components.example_gen import base_example_gen_executor, utils
from tfx.components.util import examples_utils
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_component_specs

from components.class_names import DATA_SETTINGS
from components.errors import GreenlightError
from components.example_gen.beam_steps import (
    READING,
    CountDuplicates,
    GroupBySplit,
    ReadPart,
    TakeLimit,
    WriteReading,
    read_part,
)
from components.example_gen.duplicate_steps.span_copies import DropSpanDuplicates
from components.example_gen.duplicate_steps.split_groups import PlanGroups, reassigned
from components.example_gen.exec_properties import (
    CUSTOM_CONFIG,
    SPANS,
    UNREADABLE,
    StageConfig,
    spans_from_json,
    stage_config,
)
from components.example_gen.reading import CHANGED, READING_FILE, Reading
from components.example_gen.reading_limits import require_usable
from components.example_gen.record_sink import TFRecordBatches
from components.example_gen.settings import GROUPED_SOURCES, KEEP_TOGETHER, OF_LATER_STAGES, DataSettings
from components.example_gen.sources import parts as sources
from components.example_gen.sources.label_census import census, source_paths
from components.example_gen.sources.spans import Span, choose, find, newest_versions
from components.example_gen.span_pattern import BASE

CHOSEN = "chosen"
"""The execution property with the Spans to read; used only within the executor."""
WITH_BASE = "with_base"


@beam.ptransform_fn
def ReadSource(
    pipeline: beam.Pipeline, settings: DataSettings, spans: Sequence[Span], reading_path: str
) -> beam.PCollection:
    """Reads the source as batches of rows, and writes the merged Reading to `reading_path`.

    Args:
      spans: the spans to read, if the source has spans.

    Raises:
      InputError: on construction, if the source does not exist.
    """
    parts = sources.parts(settings, spans)
    # Parts of spans return all rows: duplicates are only known once all rows are read.
    limit = None if spans else settings.limit
    reader = read_part(settings, limit=limit, with_sketches=False)
    rows, readings = pipeline | "Read" >> _Read(parts, reader, spans)
    if settings.kind in GROUPED_SOURCES:
        # Read before, without the examples, which would wait in memory until all groups are known.
        reader = read_part(settings, limit=limit, with_examples=False)
        marks, (marks_reading, *_) = pipeline | "ReadMarks" >> _Read(parts, reader, spans)
        planned = marks | "PlanGroups" >> PlanGroups(near_together=settings.near_duplicates == KEEP_TOGETHER)
        rows |= "Move" >> beam.Map(reassigned, beam.pvalue.AsSingleton(planned))
        readings += [
            planned | "Sameness" >> beam.Map(lambda made: Reading(sameness=made.account)),
            marks_reading | "Again" >> beam.Map(_without_counts),
        ]
    if settings.limit is not None:
        rows |= "Take" >> TakeLimit(limit=settings.limit)
    readings.append(rows | "Duplicates" >> CountDuplicates())
    account = WriteReading(path=reading_path, limit=settings.limit)
    readings | "Readings" >> beam.Flatten() | "Account" >> account
    return rows


def _without_counts(reading: Reading) -> Reading:
    """The fields of a second Reading of the same parts that do not count rows."""
    return Reading(contents=reading.contents, failures=reading.failures)


@beam.ptransform_fn
def _Read(
    pipeline: beam.Pipeline, parts: Sequence[Any], reader: ReadPart, spans: Sequence[Span]
) -> tuple[beam.PCollection, list[beam.PCollection]]:
    """Batches of rows of the parts, without copies in other spans; and their Readings, first the reader's."""
    started = pipeline | "Parts" >> beam.Create(parts)
    if len(parts) > 1:
        started |= "SpreadOverWorkers" >> beam.Reshuffle()
    outputs = started | "Rows" >> beam.ParDo(reader).with_outputs(READING, main="rows")
    if not spans:
        return outputs["rows"], [outputs[READING]]
    kept = outputs["rows"] | "DropSpanDuplicates" >> DropSpanDuplicates()
    return kept["rows"], [outputs[READING], kept[READING]]


class Executor(base_example_gen_executor.BaseExampleGenExecutor):
    """Writes examples as GZIP TFRecords of tf.Examples, by split."""

    def GetInputSourceToExamplePTransform(self) -> beam.PTransform:
        """The source; see ReadSource."""
        return ReadSource

    def GenerateExamplesByBeam(
        self, pipeline: beam.Pipeline, exec_properties: dict[str, Any]
    ) -> dict[str, beam.PCollection]:
        """Batches of serialized examples (list[bytes]) by split.

        Overridden because TFX splits by a hash of the serialized example, which separates duplicates.
        """
        settings = self._stage_config(exec_properties).settings
        source = self.GetInputSourceToExamplePTransform()
        spans = exec_properties[CHOSEN]
        rows = pipeline | "Source" >> source(settings, spans, exec_properties[READING_FILE])
        by_split = rows | "GroupBySplit" >> beam.ParDo(GroupBySplit()).with_outputs(*settings.split_names)
        return {name: by_split[name] for name in settings.split_names}

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Reads the source and writes the splits. Overridden to use the sink TFRecordBatches.

        Raises:
          InputError: the source does not exist or cannot be read completely.
          DataStopped: too many of its rows cannot be used.
          GreenlightError: the source was changed meanwhile.
        """
        settings = self._stage_config(exec_properties).settings
        spans = _spans(settings, exec_properties)
        examples = artifact_utils.get_single_instance(output_dict[standard_component_specs.EXAMPLES_KEY])
        examples.split_names = artifact_utils.encode_split_names(list(settings.split_names))
        fileio.makedirs(examples.uri)
        reading_path = os.path.join(examples.uri, READING_FILE)
        state = sources.state(settings)
        with self._make_beam_pipeline() as pipeline:
            batches = self.GenerateExamplesByBeam(
                pipeline, {**exec_properties, READING_FILE: reading_path, CHOSEN: spans}
            )
            for name, examples_of_split in batches.items():
                uri = artifact_utils.get_split_uri([examples], name)
                examples_of_split | f"Write[{name}]" >> beam.io.Write(TFRecordBatches(uri))
        reading = _read_reading(reading_path)
        logging.info("Read %s: %s", settings.source, reading.to_json())
        of_files = settings.pattern is not None and not settings.with_base
        require_usable(
            reading,
            max_bad_share=settings.max_bad_share,
            names=settings.class_names,
            census=(lambda: census(source_paths(settings), settings)) if of_files else None,
        )
        as_expected = self._is_expected(settings, spans, reading, exec_properties)
        if not as_expected or state != sources.state(settings):
            raise GreenlightError(
                f"data.source: {settings.pattern or settings.source} was written to while it was read, so "
                "nothing of it was kept. Run again when that is done."
            )
        _describe(examples, settings, reading)
        _describe_spans(examples, settings, spans, reading)

    def _is_expected(
        self,
        settings: DataSettings,
        spans: Sequence[Span],
        reading: Reading,
        exec_properties: dict[str, Any],
    ) -> bool:
        """Whether the fingerprint of what was read is the driver's, which is the cache key.

        Otherwise the cache would return other examples for that fingerprint. Two readings of a file are the
        same with and without a driver.
        """
        if CHANGED in reading.contents.values():
            return False
        expected = exec_properties.get(utils.FINGERPRINT_PROPERTY_NAME)
        expected = expected or self._stage_config(exec_properties).fingerprint
        if not expected or expected.startswith(UNREADABLE):
            return True
        return sources.fingerprint_of(settings, spans, reading.contents) == expected

    def _stage_config(self, exec_properties: dict[str, Any]) -> StageConfig:
        """The settings with the source's location, which the driver has removed from the properties."""
        node = self._context.pipeline_node if self._context else None
        if node is not None:
            return stage_config(node.parameters.parameters[CUSTOM_CONFIG].field_value.string_value)
        return stage_config(exec_properties[CUSTOM_CONFIG])


def _spans(settings: DataSettings, exec_properties: Mapping[str, Any]) -> list[Span]:
    """The spans that the driver has chosen; without a driver, as on Kubeflow, the current ones."""
    if not settings.has_spans:
        return []
    found = find(settings.pattern)
    if SPANS in exec_properties:
        return spans_from_json(exec_properties[SPANS], found=found)
    return choose(newest_versions(found), settings)


def _read_reading(path: str) -> Reading:
    with FileSystems.open(path) as file:
        return Reading.from_json(file.read().decode())


def _describe(examples: types.Artifact, settings: DataSettings, reading: Reading) -> None:
    """Sets the artifact's properties for later stages and the report."""
    examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
    examples_utils.set_file_format(examples, "tfrecords_gzip")
    examples.set_string_custom_property("source", settings.source)
    examples.set_string_custom_property(DATA_SETTINGS, settings.model_dump_json(exclude=set(OF_LATER_STAGES)))
    examples.set_int_custom_property("rows", reading.rows)
    examples.set_int_custom_property("bad_rows", reading.bad_rows)


def _describe_spans(
    examples: types.Artifact, settings: DataSettings, spans: Sequence[Span], reading: Reading
) -> None:
    """Sets the properties of the spans: the newest as TFX does, and all with their fingerprints."""
    newest = spans[-1] if spans else None
    examples.span = newest.number if newest else BASE
    examples.set_int_custom_property(utils.SPAN_PROPERTY_NAME, examples.span)
    if newest and newest.version is not None:
        examples.version = newest.version
        examples.set_int_custom_property(utils.VERSION_PROPERTY_NAME, newest.version)
    if spans:
        examples.set_string_custom_property(SPANS, json.dumps(sources.contents(spans, reading.contents)))
        examples.set_int_custom_property(WITH_BASE, int(settings.with_base))
