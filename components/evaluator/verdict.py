"""The verdict on a candidate: conditions, results, and their JSON."""

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from components.evaluator.settings import OVERALL
from components.threshold import DEFAULT

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_Kind = TypeVar("_Kind", bound="DataclassInstance")

Kind = Literal[
    "floor", "ceiling", "change", "change_ceiling", "gap", "examples", "baseline", "unseen", "quality"
]
Judged = Literal["value", "lower", "upper"]
Status = Literal["ok", "failed", "waived", "not judged"]

CHANGE_KINDS = frozenset({"change", "change_ceiling"})
CEILINGS = frozenset({"ceiling", "change_ceiling", "gap"})
WAIVABLE_KINDS = CHANGE_KINDS | {"baseline", "unseen", "quality"}
"""The kinds that every approval waives: the comparison with production."""

FILE_NAME = "verdict.json"

PROMOTED = "promoted"
REFUSED = "refused"

EDGE = 1e-9
"""The tolerance for rounding at a limit: 0.848 - 0.85 is -0.0020000000000000018."""


@dataclass(frozen=True, kw_only=True)
class Condition:
    """A limit on a metric (`floor`, `ceiling`, `examples`), on its change (`change`, `change_ceiling`), or on
    its greatest difference between the slices of a column (`gap`).

    Attributes:
      slice: the name of a slice; for a gap that of a column.
      class_name: the class that the metric is about; None for all, or the positive one of two.
      min_examples: with fewer distinct texts in the slice, the condition is not judged and passes.
      by: "value"; or the interval: with "proof" the whole interval must keep the limit, with "doubt" the
        condition fails only if the whole interval breaks it.
      family: the number of conditions of one kind that are judged by intervals; the error is divided among
        them (Bonferroni).
    """

    metric: str
    kind: Kind
    threshold: float
    slice: str = OVERALL
    class_name: str | None = None
    min_examples: int = 0
    by: Literal["value", "proof", "doubt"] = "value"
    family: int = 1

    @property
    def is_ceiling(self) -> bool:
        return self.kind in CEILINGS


@dataclass(frozen=True, kw_only=True)
class ConditionResult:
    """The result of one condition.

    Attributes:
      threshold: None for `baseline`, which needs a model to compare with, and for `quality`, which needs a
        judged condition on the model.
      value: the metric, or for a change the metric minus the baseline's; None if undefined.
      lower, upper: the confidence interval of `value` at level `confidence`; None if there is none.
      judged: which of value, lower and upper was compared with the threshold.
      baseline: the baseline's metric on the same examples.
      margin: the distance of the judged number from the threshold; negative if the condition fails.
      reason: one line for a person.
      waived: who accepted a failure and why.
      unjudged: why the condition was not judged, in a few words; such a condition passes.
      reviews, texts: the examples that it was judged on, and the distinct texts among them.
      class_name: `class` in JSON: the class of the metric; None for all, or the positive one of two.
      between: of a gap, the names of the slices with the highest and the lowest value.
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
    unjudged: str | None = None
    examples: int | None = None
    texts: int | None = None
    class_name: str | None = None
    between: tuple[str, str] | None = None

    @property
    def holds(self) -> bool:
        """Whether the condition allows a promotion: it passed or was waived."""
        return self.passed or self.waived is not None

    @property
    def status(self) -> Status:
        """`ok` only if the condition was judged and passed."""
        if not self.passed:
            return "failed" if self.waived is None else "waived"
        return "ok" if self.unjudged is None else "not judged"

    def to_dict(self) -> dict[str, Any]:
        """For JSON, with the status."""
        found = dataclasses.asdict(self)
        return {"status": self.status, **found, "class": found.pop("class_name")}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "ConditionResult":
        """The inverse of `to_dict`."""
        between = content.get("between")
        return _of_known(
            cls,
            {
                **content,
                "class_name": content.get("class"),
                "between": None if between is None else tuple(between),
            },
        )


def status_of(record: Mapping[str, Any]) -> Status:
    """The status of a condition in a verdict's JSON, also of an older Greenlight without the field."""
    if "status" in record:
        return record["status"]
    if not record.get("passed"):
        return "waived" if record.get("waived") else "failed"
    return "ok" if record.get("value") is not None else "not judged"


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """The model in production that the candidate is compared with.

    Attributes:
      model_uri: where its Model artifact lies.
      metrics: its metrics on the same examples; None if it cannot be evaluated any more.
      problem: why it cannot be evaluated.
    """

    model_uri: str
    metrics: dict[str, float | None] | None = None
    problem: str | None = None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Which examples the candidate and the model in production were compared on.

    Attributes:
      reviews: all examples of the split.
      compared: those that neither model has seen.
      left_out: reason -> number of examples that were left out; each counts once.
      needed: the minimum number of distinct texts to compare; None if nothing was left out.
      known: whether the examples that the model in production has seen are known.
      problem: why they are not known.
      data_changes: how the data differs from that of the model in production, a clause each.
      classes: where the two models have different classes, those that both know: only examples of these are
        compared, and each model chooses among these; None where both have the same.
    """

    reviews: int
    compared: int
    left_out: dict[str, int] = field(default_factory=dict)
    needed: int | None = None
    known: bool = True
    problem: str | None = None
    data_changes: tuple[str, ...] = ()
    classes: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class TestSet:
    """The examples of the split, and the precision of figures on them.

    Attributes:
      digest: the digest of its distinct texts, in any order; None if the texts have no hashes.
      reviews, texts: the numbers of examples and of distinct texts.
      seen_by_candidate: the number of examples left out because the candidate has seen them.
      majority_class, majority_share: the best constant prediction, and its accuracy.
      resolution: the smallest change of accuracy that is detected with a power of 80 % at the 95 % level.
      candidates: the number of models judged on these texts so far, including this one; None if not counted.
    """

    __test__ = False  # not a test case for pytest

    digest: str | None
    reviews: int
    texts: int
    seen_by_candidate: int = 0
    majority_class: str | None = None
    majority_share: float | None = None
    resolution: float | None = None
    candidates: int | None = None


@dataclass(frozen=True, kw_only=True)
class Approval:
    """A person's decision to promote in spite of the comparison with production."""

    run: str
    by: str
    reason: str
    at: str


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The gate's decision about a candidate, with its conditions.

    Attributes:
      notes: sentences that a reader of the figures needs.
      classes: of more than two classes, the metrics of each in the order of the data's classes: `class`, the
        metrics of `multiclass.BY_CLASS`, and their intervals at 95 % as `NAME_interval`; empty of two.
      threshold: the probability from which on the candidate labels positive, of two classes.
      negation: of a model of English film reviews, its accuracy on sentences with a negation or a contrast,
        which no condition is about: see `checklist.answers.records`.
    """

    split: str
    conditions: tuple[ConditionResult, ...]
    metrics: dict[str, float | None]
    slices: tuple[dict[str, Any], ...] = ()
    baseline: Baseline | None = None
    approval: Approval | None = field(default=None)
    comparison: Comparison | None = None
    test_set: TestSet | None = None
    notes: tuple[str, ...] = ()
    classes: tuple[dict[str, Any], ...] = ()
    threshold: float = DEFAULT
    negation: tuple[dict[str, Any], ...] = ()

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
        """Why the candidate was refused, one line per failed condition; empty if it was promoted."""
        return tuple(condition.reason for condition in self.conditions if not condition.holds)

    def to_json(self) -> str:
        """Strict JSON; an undefined number is null."""
        content = dataclasses.asdict(self) | {"conditions": [each.to_dict() for each in self.conditions]}
        return json.dumps({"verdict": self.verdict, **_plain(content)}, indent=1, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "Verdict":
        """The inverse of `to_json`.

        Raises:
          ValueError: the text is not a verdict, or its verdict contradicts its conditions.
        """
        try:
            content = json.loads(text)
            said = content.pop("verdict")
            verdict = cls(
                split=content["split"],
                conditions=tuple(ConditionResult.from_dict(each) for each in content["conditions"]),
                metrics=content["metrics"],
                slices=tuple(content["slices"]),
                baseline=_of_known(Baseline, content["baseline"]) if content["baseline"] else None,
                approval=_of_known(Approval, content["approval"]) if content["approval"] else None,
                comparison=_comparison(content.get("comparison")),
                test_set=_of_known(TestSet, content["test_set"]) if content.get("test_set") else None,
                notes=tuple(content.get("notes", ())),
                classes=tuple(content.get("classes", ())),
                threshold=content.get("threshold", DEFAULT),
                negation=tuple(content.get("negation", ())),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a verdict: {error}") from error
        if said != verdict.verdict:
            raise ValueError(f"the verdict says {said}, its conditions say {verdict.verdict}")
        return verdict


def _comparison(content: dict[str, Any] | None) -> Comparison | None:
    if not content:
        return None
    classes = content.get("classes")
    known = {
        "data_changes": tuple(content.get("data_changes", ())),
        "classes": None if classes is None else tuple(classes),
    }
    return _of_known(Comparison, content | known)


def _of_known(kind: type[_Kind], content: Mapping[str, Any]) -> _Kind:
    """The known keys of a JSON record; keys of a newer Greenlight are ignored."""
    known = {field.name for field in dataclasses.fields(kind)}
    return kind(**{key: value for key, value in content.items() if key in known})


def _plain(value: Any) -> Any:
    """The value with NaN and infinity replaced by None, as JSON has neither."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
