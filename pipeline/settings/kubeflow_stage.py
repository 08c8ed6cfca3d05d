"""Settings of single stages on Kubeflow: their names and their resources (`kubeflow.resources`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, model_validator

from components.example_gen.settings import STAGE_NAMES

StageName = Literal[
    "ImdbExampleGen",
    "TextExampleGen",
    "StatisticsGen",
    "Schema",
    "ExampleValidator",
    "DataCheck",
    "LiveModel",
    "Trainer",
    "ProductionModel",
    "Evaluator",
    "InfraValidator",
    "Pusher",
]
T = TypeVar("T")


def of_stage(given: Mapping[StageName, T], stage: str | None) -> T | None:
    """The entry of a stage in a table of settings by stage; None if there is none.

    The stage that reads the examples is found by either of its ids: settings need not change with the source.
    """
    names = (stage, *STAGE_NAMES) if stage in STAGE_NAMES else (stage,)
    found = (given.get(cast(StageName, name)) for name in names)
    return next((entry for entry in found if entry is not None), None)


class StageResources(BaseModel):
    """The limits of the pod of one stage, and what Kubernetes reserves for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cpu: float | None = Field(
        None,
        ge=0.001,
        le=10_000,
        description="The limit in processor cores; a thousandth is Kubernetes' smallest share.",
    )
    cpu_request: float | None = Field(
        None,
        ge=0.001,
        le=10_000,
        description="The processor cores that are reserved for the pod. Unset means the limit.",
    )
    memory_gib: float | None = Field(
        None, ge=0.001, le=100_000, description="The limit of the memory, in GiB."
    )
    memory_request_gib: float | None = Field(
        None,
        ge=0.001,
        le=100_000,
        description="The memory that is reserved for the pod, in GiB. Unset means the limit.",
    )
    accelerator: str | None = Field(
        None,
        pattern=r"^\S+$",
        description="The kind of accelerator, as the cluster calls it: nvidia.com/gpu.",
    )
    accelerator_count: int = Field(1, ge=1, le=1024, description="How many of them.")

    @model_validator(mode="after")
    def _consistent(self) -> StageResources:
        if self.accelerator_count != 1 and self.accelerator is None:
            raise ValueError("accelerator_count is of no accelerator; expected accelerator beside it")
        for limit, request in (("cpu", "cpu_request"), ("memory_gib", "memory_request_gib")):
            most, reserved = getattr(self, limit), getattr(self, request)
            if most is not None and reserved is not None and reserved > most:
                raise ValueError(f"{request} is above {limit}; expected at most the limit")
        return self
