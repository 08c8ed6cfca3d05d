"""The result of the study of few labels: accuracies by the number of labels."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.study.labels import baseline

OURS, BASELINE = "greenlight", "baseline"
NAMES: Mapping[str, str] = {OURS: "greenlight", BASELINE: baseline.NAME}
"""Model -> its name for a reader."""


@dataclasses.dataclass(frozen=True)
class DrawScore:
    """The fits of both models to one draw: model -> accuracy on the judged examples; seconds of the fit."""

    draw: int
    accuracy: Mapping[str, float]
    seconds: Mapping[str, float]


@dataclasses.dataclass(frozen=True)
class SizeScores:
    """All draws of `labels` examples."""

    labels: int
    draws: Sequence[DrawScore]

    def accuracies(self, model: str) -> list[float]:
        return [draw.accuracy[model] for draw in self.draws]

    def mean(self, model: str) -> float:
        return statistics.mean(self.accuracies(model))

    def deviation(self, model: str) -> float:
        """The sample standard deviation over the draws; 0 for a single draw."""
        found = self.accuracies(model)
        return statistics.stdev(found) if len(found) > 1 else 0.0

    @property
    def difference(self) -> float:
        """Mean accuracy of ours minus the baseline's."""
        return self.mean(OURS) - self.mean(BASELINE)

    @property
    def wins(self) -> int:
        """The number of draws on which ours is at least as accurate."""
        return sum(draw.accuracy[OURS] >= draw.accuracy[BASELINE] for draw in self.draws)


@dataclasses.dataclass(frozen=True, kw_only=True)
class LabelStudyResult:
    """Both models at every size, and what they were fitted and judged on.

    Attributes:
      sizes: in ascending order.
      left_out: the wanted sizes for which the source has too few examples.
      available: the number of examples that draws were taken from.
      judged: the number of examples that the accuracies are of; no draw has any of them.
      data: the account of the rows of the source, as the result of a run has it.
    """

    embedding: str
    sizes: Sequence[SizeScores]
    left_out: Sequence[int]
    available: int
    judged: int
    seconds: float
    data: Mapping[str, Any] | None = None
    files: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {
            "study": "labels",
            "embedding": self.embedding,
            "baseline": baseline.DESCRIPTION,
            "sizes": [_size_json(size) for size in self.sizes],
            "left_out": list(self.left_out),
            "available": self.available,
            "judged": self.judged,
            "data": self.data,
            "files": dict(self.files),
            "seconds": self.seconds,
        }


def _size_json(size: SizeScores) -> dict[str, Any]:
    models = {
        model: {"mean": size.mean(model), "deviation": size.deviation(model)} for model in (OURS, BASELINE)
    }
    return {
        "labels": size.labels,
        "accuracy": models,
        "difference": size.difference,
        "wins": size.wins,
        "draws": [dataclasses.asdict(draw) for draw in size.draws],
    }
