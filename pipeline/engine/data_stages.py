"""The data stages that every pipeline begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tfx.components.example_validator.component import ExampleValidator

from components.data_check.component import DataCheck
from components.data_check.schema import CuratedSchema
from components.data_check.statistics import StatisticsGen
from components.example_gen.component import ImdbExampleGen

if TYPE_CHECKING:
    from pipeline.config import Settings


class DataStages(NamedTuple):
    """The data stages in the order in which they run; a stage that trains must wait for `check`."""

    reviews: ImdbExampleGen
    statistics: StatisticsGen
    schema: CuratedSchema
    anomalies: ExampleValidator
    check: DataCheck


def data_stages(settings: Settings) -> DataStages:
    """The stages that read the reviews and stop the pipeline if their statistics are out of bounds."""
    reviews = ImdbExampleGen(settings.located_data)
    examples = reviews.outputs["examples"]
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
    return DataStages(reviews, statistics, schema, anomalies, check)
