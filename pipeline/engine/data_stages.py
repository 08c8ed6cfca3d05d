"""The data stages that every pipeline begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tfx.components.example_validator.component import ExampleValidator

from components.data_check.component import DataCheck
from components.data_check.schema import CuratedSchema
from components.data_check.statistics import StatisticsGen
from components.example_gen.component import TextExampleGen

if TYPE_CHECKING:
    from pipeline.config import Settings


class DataStages(NamedTuple):
    """The data stages in the order in which they run; a stage that trains must wait for `check`."""

    examples: TextExampleGen
    statistics: StatisticsGen
    schema: CuratedSchema
    anomalies: ExampleValidator
    check: DataCheck


def data_stages(settings: Settings) -> DataStages:
    """The stages that read the examples and stop the pipeline if their statistics are out of bounds."""
    reader = TextExampleGen(settings.located_data)
    examples = reader.outputs["examples"]
    statistics = StatisticsGen(examples)
    data = settings.data
    schema = CuratedSchema(classes=len(data.class_names), slice_columns=data.slice_columns).with_id("Schema")
    anomalies = ExampleValidator(statistics=statistics.outputs["statistics"], schema=schema.outputs["schema"])
    check = DataCheck(
        statistics=statistics.outputs["statistics"],
        anomalies=anomalies.outputs["anomalies"],
        settings=settings.check,
        examples=examples,
        embedding=None if settings.trainer.module else settings.embedding,
    )
    return DataStages(reader, statistics, schema, anomalies, check)
