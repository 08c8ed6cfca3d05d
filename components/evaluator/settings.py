"""Settings of the gate (`gate.*`). Light imports only."""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    model_validator,
)

from components.reviews import LENGTH, LENGTHS

Metric = Literal[
    "accuracy",
    "balanced_accuracy",
    "auc",
    "precision",
    "recall",
    "loss",
    "calibration",
    "ece",
    "example_count",
]

SHARES = frozenset({"accuracy", "balanced_accuracy", "auc", "precision", "recall", "ece"})
"""Metrics that lie between 0 and 1 by definition."""

OFF = "off"


def _read_off(value: Any) -> Any:
    """Maps "off" and false to None: TOML has no null."""
    if value is False or (isinstance(value, str) and value.strip().lower() == OFF):
        return None
    if value is True:
        raise ValueError('expected a number or "off", got true')
    return value


Switchable = Annotated[
    float | None,
    BeforeValidator(_read_off),
    PlainSerializer(lambda value: OFF if value is None else value, when_used="json"),
]
"""A number or "off". In Python "off" is None; dumped as JSON it is "off" again, so settings round-trip."""

OVERALL = "overall"
SLICES = tuple(f"{LENGTH}:{bucket}" for bucket in LENGTHS)
"""The slices of a split that a condition can apply to, as `feature:value`."""


def _known_slice(name: str) -> str:
    if name not in (OVERALL, *SLICES):
        raise ValueError(f'no slice is called "{name}": give "{OVERALL}" or one of {", ".join(SLICES)}')
    return name


Share = Annotated[float, Field(ge=0, le=1)]
SliceName = Annotated[str, AfterValidator(_known_slice)]


def _refuse_impossible(
    metric: str, floor: str, ceiling: str, values: dict[str, float | None], lowest: int
) -> None:
    """Raises ValueError for a limit that no model, or every model, meets by the metric's definition."""
    low, high = values[floor], values[ceiling]
    if low is not None and high is not None and low > high:
        raise ValueError(f"no {metric} meets both {floor} = {low} and {ceiling} = {high}")
    for key in (floor, ceiling):
        value = values[key]
        if metric in SHARES and value is not None and not lowest <= value <= 1:
            raise ValueError(f"{key} = {value} is impossible for {metric}: give a number from {lowest} to 1")


class ConditionSettings(BaseModel):
    """One condition on one metric; all limits in one entry must hold."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    metric: Metric = Field(description="The metric of the condition.")
    slice: SliceName = Field(
        OVERALL,
        description=f'Where it is measured: "{OVERALL}", or a length bucket such as "{SLICES[0]}".',
    )
    at_least: Switchable = Field(None, description="A floor for the metric.")
    at_most: Switchable = Field(None, description="A ceiling for the metric.")
    change_at_least: Switchable = Field(
        None, description="A floor for the metric minus the baseline's on the same examples."
    )
    change_at_most: Switchable = Field(
        None, description="A ceiling for the metric minus the baseline's on the same examples."
    )

    @model_validator(mode="after")
    def _check_limits(self) -> Self:
        values = self.model_dump(exclude={"metric", "slice"})
        if all(value is None for value in values.values()):
            raise ValueError(f"a condition on {self.metric} needs one of {', '.join(values)}")
        if self.metric == "example_count" and (self.change_at_least, self.change_at_most) != (None, None):
            raise ValueError("both models see the same examples: use at_least or at_most for example_count")
        _refuse_impossible(self.metric, "at_least", "at_most", values, lowest=0)
        _refuse_impossible(self.metric, "change_at_least", "change_at_most", values, lowest=-1)
        return self


class GateSettings(BaseModel):
    """The conditions of the gate, all of which a candidate must meet."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    min_accuracy: Switchable = Field(
        0.85, ge=0, le=1, description='The lowest accuracy that is promoted. "off" drops the condition.'
    )
    min_balanced_accuracy: Switchable = Field(
        0.5,
        ge=0,
        le=1,
        description="The balanced accuracy (mean of the accuracies on both classes) that the whole 95 % "
        "interval has to be above. A constant answer has 0.5 and is refused by it, however many reviews are "
        'of one class. "off" drops the condition.',
    )
    min_change: Switchable = Field(
        -0.002,
        ge=-1,
        le=1,
        description="The lowest accepted difference of accuracy to the model in production, on the same "
        "examples; -0.002 tolerates a loss of 0.2 points. For reviews in spans it holds for everything but "
        'the newest span as well. "off" drops the comparison.',
    )
    min_unseen: int | None = Field(
        None,
        ge=1,
        description="The minimum number of distinct texts of the split that neither model has seen. If "
        "reviews were left out and fewer remain, there is no fair comparison and the model is refused. "
        "Unset: as many as resolve min_change (500 for -0.002) or half of the split, whichever is "
        "smaller, and at least min_examples.",
    )
    confidence: Switchable = Field(
        None,
        ge=0.5,
        lt=1,
        description="With 0.95, a floor is judged by the lower and a ceiling by the upper end of the 95 % "
        "confidence interval, a change by that of the paired difference, so that a lucky split promotes "
        'nothing. "off" judges the plain values.',
    )
    min_examples: int = Field(
        50,
        ge=1,
        description="The minimum number of distinct texts for a verdict; with fewer the model is refused.",
    )
    max_calibration_error: Switchable = Field(
        None,
        ge=0,
        le=1,
        description="The highest expected calibration error (15 bins of equal width). "
        '"off" drops the condition.',
    )
    min_change_base: Switchable = Field(
        -0.01,
        ge=-1,
        le=1,
        description="For reviews in spans: the lowest accepted change of accuracy on the packaged base set, "
        "so that a model that learned the new data and forgot the old is refused. It is refused only where "
        "even the upper end of the confidence interval (95 %, or gate.confidence) is below this. "
        '"off" drops it.',
    )
    min_change_newest: Switchable = Field(
        -0.01, ge=-1, le=1, description='The same on the newest span. "off" drops it.'
    )
    min_change_older: Switchable = Field(
        -0.01,
        ge=-1,
        le=1,
        description="The same on each older span, with a correction for their number, so that the gain in "
        'one span cannot hide the loss in another. "off" drops it, and so does min_change = "off".',
    )
    min_accuracy_newest: Switchable = Field(
        0.6,
        ge=0,
        le=1,
        description="The lowest accuracy on the newest span, judged like the change: wrong labels show here. "
        '"off" drops it.',
    )
    min_change_length: Switchable = Field(
        -0.01,
        ge=-1,
        le=1,
        description='The same on each length bucket. "off" drops it, and so does min_change = "off".',
    )
    min_span_examples: int = Field(
        30,
        ge=2,
        description="The minimum number of distinct texts of the base set, a span or a length bucket "
        "for judging its change; with fewer it is not judged.",
    )
    slices: dict[SliceName, Share] = Field(
        default_factory=dict,
        description=f'Accuracy floors of single slices, for example {{ "{SLICES[0]}" = 0.8 }}.',
    )
    conditions: tuple[ConditionSettings, ...] = Field(
        (),
        description="Further conditions: a metric, optionally a slice, and at least one of at_least, "
        "at_most, change_at_least and change_at_most.",
    )

    @model_validator(mode="after")
    def _check_any_condition(self) -> Self:
        limits = (self.min_accuracy, self.min_change, self.max_calibration_error)
        if all(limit is None for limit in limits) and not self.slices and not self.conditions:
            raise ValueError(
                "this gate has no condition and would promote anything: set min_accuracy, min_change, "
                "max_calibration_error, slices or conditions"
            )
        return self
