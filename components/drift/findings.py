"""The findings of a drift comparison, one per figure, and their report."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

_MEASURES = {
    "jensen_shannon_divergence": "Jensen-Shannon divergence",
    "l_infinity": "difference",
    "distance_of_means": "distance",
    "increase": "increase",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """One figure compared with its threshold.

    Attributes:
      name: length, unknown_words, labels, predictions, embedding or errors.
      measure: jensen_shannon_divergence, l_infinity, distance_of_means or increase.
      value: None if it could not be judged.
      threshold: the limit plus the sampling error at these sizes; None if it could not be judged.
      limit: the setting.
      exceeded: whether the value is above the threshold.
      figures: the values of both sides in words, or the reason why it is not judged.
      why: the finding in a sentence.
      examples: the number of examples behind the value.
    """

    name: str
    measure: str
    value: float | None
    threshold: float | None
    limit: float
    exceeded: bool
    figures: str
    why: str
    examples: int

    @property
    def title(self) -> str:
        """The name for readers."""
        return self.name.replace("_", " ")


def judged(
    name: str, measure: str, *, value: float, limit: float, threshold: float, figures: str, examples: int
) -> Finding:
    """The finding for a value; a value above the threshold means drift."""
    exceeded = value > threshold
    held = "above" if exceeded else "within"
    finding = Finding(
        name=name,
        measure=measure,
        value=value,
        threshold=threshold,
        limit=limit,
        exceeded=exceeded,
        figures=figures,
        why="",
        examples=examples,
    )
    told = f"{_MEASURES[measure]} {value:.4f} is {held} the threshold {threshold:.4f}"
    return dataclasses.replace(finding, why=f"{finding.title}: {figures}; {told}")


def any_judged(findings: Sequence[Finding]) -> bool:
    """Whether a statement about drift is possible: a figure has a value, or all are switched off."""
    return not findings or any(finding.value is not None for finding in findings)


def unjudged(name: str, measure: str, *, limit: float, figures: str, examples: int) -> Finding:
    """The finding without a value; `figures` has the reason."""
    finding = Finding(
        name=name,
        measure=measure,
        value=None,
        threshold=None,
        limit=limit,
        exceeded=False,
        figures=figures,
        why="",
        examples=examples,
    )
    return dataclasses.replace(finding, why=f"{finding.title}: {figures}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Histogram:
    """Shares of examples by bucket for a chart; `compared` and `reference` each add up to 1."""

    name: str
    buckets: tuple[str, ...]
    compared: tuple[float, ...]
    reference: tuple[float, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class DriftReport:
    """The report of a comparison.

    Attributes:
      what, reference: both sides in words.
      version: the live version whose embedding and predictions were used.
      examples, reference_examples: the numbers of compared examples.
      findings: every figure that is not switched off.
      notes: further remarks for the reader.
      data, reference_data: the accounts of the rows of both sides, if they are from files; see
        `components.example_gen.reading.Reading.account`. `beyond_limit` rows are not in the sample.
    """

    what: str
    reference: str
    version: int
    examples: int
    reference_examples: int
    findings: tuple[Finding, ...]
    histograms: tuple[Histogram, ...] = ()
    notes: tuple[str, ...] = ()
    data: Mapping[str, Any] | None = None
    reference_data: Mapping[str, Any] | None = None

    @property
    def drift(self) -> bool:
        """Whether any figure exceeds its threshold."""
        return any(finding.exceeded for finding in self.findings)

    @property
    def judged(self) -> bool:
        """Whether there were enough examples; otherwise `drift` is False without a judgment."""
        return any_judged(self.findings)

    @property
    def headline(self) -> str:
        """The result in a few words."""
        if not self.judged:
            return "Too few examples to tell"
        return "Drift" if self.drift else "No drift"

    @property
    def reasons(self) -> tuple[str, ...]:
        """A sentence for each figure above its threshold."""
        return tuple(finding.why for finding in self.findings if finding.exceeded)

    def to_json(self) -> dict[str, Any]:
        """`drift` first, then everything else."""
        return {"drift": self.drift, "judged": self.judged, **dataclasses.asdict(self)}
