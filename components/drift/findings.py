"""What a comparison found: one finding a figure, and the report of all."""

from __future__ import annotations

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """One figure held against its threshold.

    Attributes:
      name: length, unknown_words, labels, predictions, embedding or errors.
      measure: jensen_shannon_divergence, l_infinity, distance_of_means or increase.
      value: None where it could not be judged.
      threshold: the limit of the settings plus what chance explains at these sizes; None where not judged.
      limit: the setting.
      exceeded: whether it speaks of drift.
      why: a sentence with the figures of both sides.
      examples: how many reviews the value rests on.
    """

    name: str
    measure: str
    value: float | None
    threshold: float | None
    limit: float
    exceeded: bool
    why: str
    examples: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Histogram:
    """Shares of reviews by bucket, for a drawing: `compared` and `reference` add up to 1 each."""

    name: str
    buckets: tuple[str, ...]
    compared: tuple[float, ...]
    reference: tuple[float, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class DriftReport:
    """How what was compared differs from the reference.

    Attributes:
      what, reference: both sides in words.
      version: the live version whose embedding and predictions were used.
      examples, reference_examples: how many reviews were looked at.
      findings: every figure that is not switched off.
      notes: what a reader should know besides.
    """

    what: str
    reference: str
    version: int
    examples: int
    reference_examples: int
    findings: tuple[Finding, ...]
    histograms: tuple[Histogram, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def drift(self) -> bool:
        """Whether any figure exceeds its threshold."""
        return any(finding.exceeded for finding in self.findings)

    @property
    def reasons(self) -> tuple[str, ...]:
        """A sentence for each figure that speaks of drift."""
        return tuple(finding.why for finding in self.findings if finding.exceeded)

    def to_json(self) -> dict[str, Any]:
        """`drift` first, then everything else."""
        return {"drift": self.drift, **dataclasses.asdict(self)}
