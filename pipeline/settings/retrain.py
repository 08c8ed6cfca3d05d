"""Settings of retraining: triggers, limits and rollback (`retrain.*`). Light imports only."""

from __future__ import annotations

import zoneinfo
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class RetrainSettings(BaseModel):
    """What `greenlight retrain` goes by; `greenlight run` ignores it."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    on_span: bool = Field(
        True, description="Trigger: a new complete span. Each is run once, in the order of their numbers."
    )
    schedule: str | None = Field(
        None,
        min_length=1,
        description='Trigger: a cron expression, such as "0 3 * * 1" for Mondays at three. Times that passed '
        "while nothing was running start one run.",
    )
    time_zone: str = Field(
        "UTC",
        min_length=1,
        description="Time zone of retrain.schedule, such as Europe/Berlin. An hour that summer time skips "
        "or repeats gives one run.",
    )
    on_drift: bool = Field(
        False,
        description="Trigger: served traffic differs from the live model's training data "
        "(the thresholds are those of drift.*).",
    )
    decay_floor: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Trigger: the live model's accuracy on the newest labeled span is below this. It "
        "matters if retrain.on_span is false: otherwise the span itself starts a run.",
    )
    drift_minutes: float = Field(
        60, gt=0, le=10_080, description="How often `--watch` compares served traffic, in minutes."
    )
    poll_seconds: float = Field(30, gt=0, le=3600, description="The interval of `--watch` in seconds.")
    settle_seconds: float = Field(
        10,
        ge=0,
        le=3600,
        description="A span is complete once its files have not changed for this long, in seconds, so "
        "that one that is being copied is not read.",
    )
    min_agreement: float = Field(
        0.5,
        ge=0,
        le=1,
        description="A span is quarantined if the live model agrees with a smaller share of its labels "
        "than this, beyond chance. Drift costs accuracy, but only flipped labels make a good model worse "
        "than a coin. Of many classes that are hard to tell apart even a good model may get fewer right: "
        "set it lower. 0 disables the check.",
    )
    max_sure_wrong: float = Field(
        0.2,
        ge=0,
        le=1,
        description="A span is also quarantined if more than this share of the rows that the live model "
        "is sure of (0.9 and more) has the other label, beyond chance. A sure model is rarely wrong, even "
        "on examples of a new kind, so the share is about that of the flipped labels. 1 disables the "
        "check.",
    )
    max_suspects: float = Field(
        1.0,
        ge=0,
        le=1,
        description="A span is also quarantined if the label check finds more than this share of its "
        "labels probably wrong, beyond chance. With correct labels it finds 2 to 5 %; a span of fewer than "
        "350 different texts a label (700 with two) is not judged by it. 1 disables the check.",
    )
    refused_trials: int = Field(
        1,
        ge=0,
        le=100,
        description="How often a span whose own run the gate refused for a loss is tried again, "
        "together with all other data, each time after another promotion. It is readmitted if the gate "
        "then finds no loss. 0 leaves that to a person (--release).",
    )
    auto_rollback: bool = Field(
        True,
        description="Whether a promoted model that is worse than the previous one on newer labeled "
        "spans is rolled back.",
    )
    watch_spans: int = Field(
        4,
        ge=1,
        le=1000,
        description="The number of newer labeled spans on which a promoted model is compared with the "
        "previous one.",
    )
    rollback_margin: float = Field(
        0.01,
        ge=0,
        le=1,
        description="The maximum accuracy that the live model may lack compared with the previous one, "
        "on all these spans together; more, beyond chance, rolls it back.",
    )
    runs_per_day: int = Field(
        6, ge=1, le=10_000, description="The maximum number of runs that are started within any 24 hours."
    )
    backoff_minutes: float = Field(
        5,
        ge=0,
        le=10_080,
        description="The wait after a failed run, in minutes; doubled with each further failure in a "
        "row, up to retrain.max_backoff_minutes.",
    )
    max_backoff_minutes: float = Field(
        720, ge=0, le=10_080, description="The maximum wait after failed runs, in minutes."
    )
    max_attempts: int = Field(
        8,
        ge=1,
        le=1000,
        description="The maximum number of failed runs of the same span, or for the same other reason; "
        "a span is then quarantined.",
    )
    stop_seconds: float = Field(
        30,
        gt=0,
        le=3600,
        description="The time that a run gets to stop when `--watch` is stopped, in seconds, before it "
        "is killed.",
    )

    @field_validator("schedule")
    @classmethod
    def _is_cron(cls, schedule: str | None) -> str | None:
        if schedule is not None:
            from pipeline.settings.cron import refuse_unusable

            refuse_unusable(schedule)
        return schedule

    @field_validator("time_zone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        try:
            zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("there is no such time zone; names are like Europe/Berlin or UTC") from None
        return name

    @model_validator(mode="after")
    def _check_backoff(self) -> Self:
        if self.backoff_minutes > self.max_backoff_minutes:
            raise ValueError(
                f"backoff_minutes = {self.backoff_minutes:g} is more than "
                f"max_backoff_minutes = {self.max_backoff_minutes:g}"
            )
        return self
