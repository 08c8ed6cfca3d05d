"""Settings of the gate (`gate.*`). Light imports only."""

import json
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from components.reviews import LABEL, LENGTH, LENGTHS, SPAN, TEXT, WORDS

Metric = Literal[
    "accuracy",
    "balanced_accuracy",
    "auc",
    "precision",
    "recall",
    "f1",
    "macro_f1",
    "weighted_f1",
    "loss",
    "calibration",
    "ece",
    "example_count",
]

SHARES = frozenset(
    {"accuracy", "balanced_accuracy", "auc", "precision", "recall", "f1", "macro_f1", "weighted_f1", "ece"}
)
"""Metrics that lie between 0 and 1 by definition."""

OF_ONE_CLASS = frozenset({"precision", "recall", "f1"})
"""Metrics that are always about one class: of two classes the positive one, unless `class` names another."""
OF_A_CLASS = OF_ONE_CLASS | {"auc", "example_count"}
"""Metrics that `class` can go with."""
OF_TWO_CLASSES = frozenset({"calibration"})
"""Metrics of a positive class, which more than two classes do not have."""

OFF = "off"
CHANCE = "chance"
"""The balanced accuracy of a constant prediction: one over the number of classes."""


def _read_off(value: Any) -> Any:
    """Maps "off" and false to None: TOML has no null."""
    if value is False or (isinstance(value, str) and value.strip().lower() == OFF):
        return None
    if value is True:
        raise ValueError('expected a number or "off", got true')
    return value


def _read_off_or_chance(value: Any) -> Any:
    return CHANCE if isinstance(value, str) and value.strip().lower() == CHANCE else _read_off(value)


Switchable = Annotated[
    float | None,
    BeforeValidator(_read_off),
    PlainSerializer(lambda value: OFF if value is None else value, when_used="json"),
]
"""A number or "off". In Python "off" is None; dumped as JSON it is "off" again, so settings round-trip."""

SwitchableOrChance = Annotated[
    Annotated[float, Field(ge=0, le=1)] | Literal["chance"] | None,
    BeforeValidator(_read_off_or_chance),
    PlainSerializer(lambda value: OFF if value is None else value, when_used="json"),
]
"""A share, "off", or "chance"."""

OVERALL = "overall"
SLICES = tuple(f"{LENGTH}:{bucket}" for bucket in LENGTHS)
"""The slices of a split that a condition can apply to, as `feature:value`."""


def _known_slice(name: str) -> str:
    column, separator, _ = name.partition(":")
    if name == OVERALL or name in SLICES or (separator and column and column not in _OWN_FEATURES):
        return name
    raise ValueError(
        f'no slice is called "{name}": give "{OVERALL}" or one of {", ".join(SLICES)}, or COLUMN:VALUE of a '
        "column in data.slice_columns"
    )


_OWN_FEATURES = (TEXT, LABEL, WORDS, LENGTH, SPAN)


def column_of(slice_name: str) -> str | None:
    """The metadata column of a slice, or of all slices of a column; None for those of every run."""
    column = slice_name.partition(":")[0]
    return None if column in (OVERALL, LENGTH, SPAN) else column


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

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)

    metric: Metric = Field(description="The metric of the condition.")
    class_name: str | None = Field(
        None,
        alias="class",
        description="The class that precision, recall, f1, auc or example_count is about. Unset means the "
        "positive one of two classes.",
    )
    slice: str = Field(
        OVERALL,
        description=f'Where it is measured: "{OVERALL}", a length bucket such as "{SLICES[0]}", or '
        "COLUMN:VALUE of a column in data.slice_columns; for max_gap the name of the column alone.",
    )
    at_least: Switchable = Field(None, description="A floor for the metric.")
    at_most: Switchable = Field(None, description="A ceiling for the metric.")
    change_at_least: Switchable = Field(
        None, description="A floor for the metric minus the baseline's on the same examples."
    )
    change_at_most: Switchable = Field(
        None, description="A ceiling for the metric minus the baseline's on the same examples."
    )
    max_gap: Switchable = Field(
        None,
        description="A ceiling for the greatest difference of the metric between the slices of a column that "
        "have gate.min_span_examples distinct texts.",
    )

    @model_serializer(mode="wrap")
    def _with_the_name_in_settings(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        found = handler(self)
        given = found.pop("class_name", None)
        if given is not None:
            found["class"] = given
        return found

    @model_validator(mode="after")
    def _check_limits(self) -> Self:
        values = {name: getattr(self, name) for name in _LIMITS}
        if all(value is None for value in values.values()):
            raise ValueError(f"a condition on {self.metric} needs one of {', '.join(values)}")
        if self.metric == "example_count" and (self.change_at_least, self.change_at_most) != (None, None):
            raise ValueError("both models see the same examples: use at_least or at_most for example_count")
        if self.class_name is not None and self.metric not in OF_A_CLASS:
            known = ", ".join(sorted(OF_A_CLASS))
            raise ValueError(f"{self.metric} is over all classes: leave out class, or use one of {known}")
        _refuse_impossible(self.metric, "at_least", "at_most", values, lowest=0)
        _refuse_impossible(self.metric, "change_at_least", "change_at_most", values, lowest=-1)
        self._check_slice(values)
        return self

    def _check_slice(self, values: dict[str, float | None]) -> None:
        if self.max_gap is None:
            _known_slice(self.slice)
            return
        others = [name for name, value in values.items() if name != "max_gap" and value is not None]
        if others:
            raise ValueError(
                f"max_gap is about all slices of a column: give {others[0]} in an entry of its own"
            )
        if self.metric == "example_count":
            raise ValueError("max_gap compares a quality of the model between slices, not example_count")
        if self.max_gap < 0:
            raise ValueError(f"max_gap = {self.max_gap} is impossible: give 0 or more")
        if self.slice == OVERALL or ":" in self.slice or self.slice in (TEXT, LABEL, WORDS):
            raise ValueError(
                f'max_gap needs the name of a column as its slice, such as "{LENGTH}" or one of '
                f'data.slice_columns, not "{self.slice}"'
            )


_LIMITS = ("at_least", "at_most", "change_at_least", "change_at_most", "max_gap")


class GateSettings(BaseModel):
    """The conditions of the gate, all of which a candidate must meet."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    min_accuracy: Switchable = Field(
        0.85, ge=0, le=1, description='The lowest accuracy that is promoted. "off" drops the condition.'
    )
    min_balanced_accuracy: SwitchableOrChance = Field(
        "chance",
        description="The balanced accuracy (mean of the accuracies on the classes) that the whole 95 % "
        'interval has to be above. "chance" is that of a constant answer, 1 / K for K classes (0.5 for two): '
        'it is refused, however many examples are of one class. "off" drops the condition.',
    )
    min_change: Switchable = Field(
        -0.002,
        ge=-1,
        le=1,
        description="The lowest accepted difference of accuracy to the model in production, on the same "
        "examples; -0.002 tolerates a loss of 0.2 points. For examples in spans it holds for everything but "
        'the newest span as well. "off" drops the comparison.',
    )
    min_unseen: int | None = Field(
        None,
        ge=1,
        description="The minimum number of distinct texts of the split that neither model has seen. If "
        "examples were left out and fewer remain, there is no fair comparison and the model is refused. "
        "Unset: as many as resolve min_change (500 for -0.002) or half of the split, whichever is "
        "smaller, and at least min_examples.",
    )
    confidence: Switchable = Field(
        None,
        ge=0.5,
        lt=1,
        description="The confidence with which conditions are judged, so that a lucky split promotes "
        "nothing. With 0.95, a floor is judged by the lower and a ceiling by the upper end of the 95 % "
        'confidence interval, a change by that of the paired difference. "off" judges the plain values.',
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
        description="For examples in spans, the lowest accepted change of accuracy on the packaged base set. "
        "A model that learned the new data and forgot the old is refused, but only where even the "
        "upper end of the confidence interval (95 %, or gate.confidence) is below this. "
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
        description="Further conditions. Each names a metric, optionally a slice, and at least one of "
        "at_least, at_most, change_at_least, change_at_most and max_gap; `class` makes it about one class.",
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

    def problem(self, *, classes: tuple[str, ...] | None, slice_columns: tuple[str, ...]) -> str | None:
        """Which condition cannot be judged on data with these classes and columns, and why; or None.

        Args:
          classes: the names of the classes, in their order; None if they are not known yet.
          slice_columns: `data.slice_columns`.
        """
        slices = [(f'slices."{name}"', name) for name in self.slices]
        slices += [(f"conditions[{number}].slice", each.slice) for number, each in enumerate(self.conditions)]
        for key, name in slices:
            column = column_of(name)
            if column is not None and column not in slice_columns:
                wanted = json.dumps([*slice_columns, column], ensure_ascii=False)
                return (
                    f'{key} = "{name}": the examples do not have the column "{column}"; set '
                    f"data.slice_columns = {wanted}"
                )
        for number, condition in enumerate(self.conditions if classes is not None else ()):
            if problem := _problem_with_classes(condition, classes or ()):
                return f"conditions[{number}].{problem}"
        return None


def _problem_with_classes(condition: ConditionSettings, classes: tuple[str, ...]) -> str | None:
    known = ", ".join(classes)
    name = condition.class_name
    if name is not None and name not in classes:
        return f'class = "{name}": the data has no such class; give one of {known}'
    if len(classes) == 2:
        return None
    metric = f'metric = "{condition.metric}"'
    if condition.metric in OF_TWO_CLASSES:
        return f"{metric}: it is of two classes, and the data has {len(classes)}; use ece"
    if condition.metric in OF_ONE_CLASS and name is None:
        return f"{metric}: it is of one class; add class, one of {known}, or use macro_f1"
    return None
