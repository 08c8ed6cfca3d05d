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
    """In the order in which they run; what trains on `reviews` is to wait for `check`."""

    reviews: ImdbExampleGen
    statistics: StatisticsGen
    schema: CuratedSchema
    anomalies: ExampleValidator
    check: DataCheck


def data_stages(settings: Settings) -> DataStages:
    """Reads the reviews, and stops the pipeline where their statistics are not what they should be."""
    reviews = ImdbExampleGen(settings.located_data)
    examples = reviews.outputs["examples"]
    statistics = StatisticsGen(examples)
    schema = CuratedSchema().with_id("Schema")
    anomalies = ExampleValidator(statistics=statistics.outputs["statistics"], schema=schema.outputs["schema"])
    check = DataCheck(
        statistics=statistics.outputs["statistics"],
        anomalies=anomalies.outputs["anomalies"],
        settings=settings.check,
        examples=examples,
        embedding=settings.embedding,
    )
    return DataStages(reviews, statistics, schema, anomalies, check)
