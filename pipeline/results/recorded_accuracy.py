"""Recorded accuracies of a model and of the version before it, with their test sets."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from pipeline.results.outcome import RunResult

if TYPE_CHECKING:
    from serving.store.records import Version


@dataclasses.dataclass(frozen=True, kw_only=True)
class RecordedAccuracy:
    """An accuracy (0 to 1) on `reviews` examples of `split`; None for what was not recorded."""

    accuracy: float | None
    reviews: int | None
    split: str | None

    @classmethod
    def of(cls, metrics: Mapping[str, Any], conditions: Sequence[Mapping[str, Any]]) -> Self:
        """From the metrics and conditions of a verdict, as a run's result or a manifest has them."""
        reviews = metrics.get("example_count")
        split = next((each["split"] for each in conditions if each.get("split")), None)
        return cls(
            accuracy=metrics.get("accuracy"), reviews=None if reviews is None else int(reviews), split=split
        )

    def __str__(self) -> str:
        if self.accuracy is None:
            return "not recorded"
        count = f" on {self.reviews:,} examples" if self.reviews is not None else ""
        place = f"{' of' if count else ' on'} {self.split}" if self.split else ""
        return f"{self.accuracy:.4f}{count}{place}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Accuracies:
    """What a model's run recorded, and what the manifest of the version that was live before it says.

    version: the number of the latter; None, like `before`, where nothing was live.
    """

    model: RecordedAccuracy
    version: int | None = None
    before: RecordedAccuracy | None = None

    @classmethod
    def of(cls, result: RunResult, versions: Sequence[Version], *, number: int) -> Self:
        """Of the model of `result`, which is version `number` of `versions`."""
        model = RecordedAccuracy.of(result.metrics, result.gate)
        earlier = [each for each in versions if each.number < number and each.state in ("previous", "older")]
        if not earlier:
            return cls(model=model)
        last = max(earlier, key=lambda each: each.number)
        if last.manifest is None:
            before = RecordedAccuracy(accuracy=None, reviews=None, split=None)
        else:
            before = RecordedAccuracy.of(last.manifest.facts.metrics, last.manifest.facts.conditions)
        return cls(model=model, version=last.number, before=before)

    def lines(self) -> list[str]:
        """One line a model."""
        told = [f"Accuracy of this model: {self.model}"]
        if self.before is not None:
            told.append(
                f"Accuracy recorded for version {self.version}, live before: {self.before}, when it was "
                "promoted (maybe other examples)"
            )
        return told
