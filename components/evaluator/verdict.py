"""A verdict on a candidate: its conditions, how each came out, and the JSON that records it."""

import dataclasses
import json
import math
from dataclasses import dataclass, field
from typing import Any, Literal

from components.evaluator.settings import OVERALL

Kind = Literal["floor", "ceiling", "change", "change_ceiling", "examples", "baseline"]
Judged = Literal["value", "lower", "upper"]

CHANGE_KINDS = frozenset({"change", "change_ceiling"})
WAIVABLE_KINDS = CHANGE_KINDS | {"baseline"}
"""What an approval waives unasked: the comparison with production, not what the model shows by itself."""

FILE_NAME = "verdict.json"

PROMOTED = "promoted"
REFUSED = "refused"

EDGE = 1e-9
"""How far rounding may push a value over a limit before it counts: 0.848 - 0.85 is -0.0020000000000000018."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """A limit on a metric (`floor`, `ceiling`, `examples`) or on its change (`change`, `change_ceiling`).

    Attributes:
      min_examples: with fewer examples in the slice it is not judged and does not stand in the way.
      benefit_of_doubt: it fails only where the whole confidence interval breaks the limit.
    """

    metric: str
    kind: Kind
    threshold: float
    slice: str = OVERALL
    min_examples: int = 0
    benefit_of_doubt: bool = False

    @property
    def is_ceiling(self) -> bool:
        return self.kind in ("ceiling", "change_ceiling")


@dataclass(frozen=True, kw_only=True)
class ConditionResult:
    """How one condition came out.

    Attributes:
      threshold: None for `baseline`, which asks for a model to compare with.
      value: the metric, or for a change the metric minus the baseline's; None where it is undefined.
      lower, upper: the confidence interval of `value` at level `confidence`; None where there is none.
      judged: which of value, lower and upper was held against the threshold.
      baseline: the baseline's metric on the same examples.
      margin: by how much the judged number keeps the threshold; negative where it fails.
      reason: one line for a person.
      waived: who accepted a failure and why.
    """

    metric: str
    slice: str
    split: str
    kind: Kind
    threshold: float | None
    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    confidence: float | None = None
    judged: Judged = "value"
    baseline: float | None = None
    passed: bool
    margin: float | None = None
    reason: str
    waived: str | None = None

    @property
    def holds(self) -> bool:
        """Whether the condition stands in the way of a promotion no longer."""
        return self.passed or self.waived is not None


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """The model in production that the candidate is compared with.

    Attributes:
      model_uri: where its Model artifact lies.
      metrics: its metrics on the same examples; None where it can't be evaluated any more.
      problem: why it can't be.
    """

    model_uri: str
    metrics: dict[str, float | None] | None = None
    problem: str | None = None


@dataclass(frozen=True, kw_only=True)
class Approval:
    """A person's decision to promote in spite of the comparison with production."""

    run: str
    by: str
    reason: str
    at: str


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the gate decided about a candidate, and on what grounds."""

    split: str
    conditions: tuple[ConditionResult, ...]
    metrics: dict[str, float | None]
    slices: tuple[dict[str, Any], ...] = ()
    baseline: Baseline | None = None
    approval: Approval | None = field(default=None)

    def __post_init__(self) -> None:
        if not self.conditions:
            raise ValueError("a verdict without conditions says nothing")

    @property
    def promoted(self) -> bool:
        return all(condition.holds for condition in self.conditions)

    @property
    def verdict(self) -> str:
        """PROMOTED or REFUSED."""
        return PROMOTED if self.promoted else REFUSED

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the candidate was refused, one line a failed condition; empty where it was promoted."""
        return tuple(condition.reason for condition in self.conditions if not condition.holds)

    def to_json(self) -> str:
        """Strict JSON; an undefined number is null."""
        return json.dumps(
            {"verdict": self.verdict, **_plain(dataclasses.asdict(self))}, indent=1, allow_nan=False
        )

    @classmethod
    def from_json(cls, text: str) -> "Verdict":
        """Reads what `to_json` wrote.

        Raises:
          ValueError: the text is no verdict, or its verdict contradicts its conditions.
        """
        try:
            content = json.loads(text)
            said = content.pop("verdict")
            verdict = cls(
                split=content["split"],
                conditions=tuple(ConditionResult(**condition) for condition in content["conditions"]),
                metrics=content["metrics"],
                slices=tuple(content["slices"]),
                baseline=Baseline(**content["baseline"]) if content["baseline"] else None,
                approval=Approval(**content["approval"]) if content["approval"] else None,
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a verdict: {error}") from error
        if said != verdict.verdict:
            raise ValueError(f"the verdict says {said}, its conditions say {verdict.verdict}")
        return verdict


def _plain(value: Any) -> Any:
    """The same with nan and infinity as None, which JSON has no words for."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
