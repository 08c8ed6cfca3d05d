"""Notes of a verdict: the examples that its figures rest on, and their precision."""

from collections.abc import Collection, Iterator, Sequence

from components.evaluator.judgment.wording import counted
from components.evaluator.predictions import Predictions
from components.evaluator.settings import GateSettings
from components.evaluator.verdict import Comparison, TestSet
from components.threshold import DEFAULT

MANY = 10
"""From so many models on one test set, a note says that the best one is partly luck."""


def threshold(predictions: Predictions, classes: Sequence[str]) -> Iterator[str]:
    """A note on a threshold of the candidate that is not the usual one."""
    if predictions.threshold is not None:
        yield (
            f"a text is labeled {classes[-1]} from the probability {predictions.threshold:.4f} on "
            f"(data.threshold), not from {DEFAULT:g}; accuracy, precision and recall are of these labels"
        )


def notes(
    gate: GateSettings,
    split: str,
    tested: TestSet,
    comparison: Comparison | None,
    losses: Sequence[str] = (),
    *,
    fair: bool,
    level: float | None,
) -> Iterator[str]:
    """The notes of a verdict, one sentence each.

    Args:
      losses: notes on losses that the comparison found, to be given after those on the comparison.
      fair: whether enough examples were left to compare on.
      level: the gate's confidence level after the correction for repeated looks.
    """
    if comparison is not None:
        yield from _of_comparison(comparison, split, fair=fair)
    yield from losses
    if tested.seen_by_candidate:
        yield (
            f"the candidate's figures are those of the {tested.reviews - tested.seen_by_candidate:,} of "
            f"{tested.reviews:,} examples of {split} that it has not seen in training"
        )
    if tested.texts < tested.reviews:
        yield (
            f"{split} has {tested.reviews:,} examples but {tested.texts:,} distinct texts: intervals, tests "
            "and minimum numbers count each text once"
        )
    if tested.resolution is not None:
        yield _of_resolution(gate, tested.resolution, estimated=comparison is None)
    if tested.candidates is not None:
        yield _of_looks(gate, split, tested.candidates, level)


def unseen(comparison: Comparison, *, texts: int, split: str) -> str:
    """The reason of the condition `unseen`: the number of examples left to compare on."""
    needed = comparison.needed or 0
    left = counted(texts, "example" if texts == comparison.compared else "distinct text")
    which = _which(comparison)
    if texts >= needed:
        return (
            f"{left} of {split} that {which} can be compared, {needed:,} are needed; {_left_out(comparison)}"
        )
    return (
        f"no fair comparison with the model in production: only {left} of {split} can be compared that "
        f"{which}, and {needed:,} are needed (gate.min_unseen); {_left_out(comparison)}. "
        f"{_remedy(comparison)}"
    )


def _which(comparison: Comparison) -> str:
    """Which examples are compared, as the end of "that ..."."""
    if comparison.classes is None:
        return "neither model has seen"
    return "neither model has seen and that are of a class that both know"


def _remedy(comparison: Comparison) -> str:
    changed = f" ({'; '.join(comparison.data_changes)})" if comparison.data_changes else ""
    return (
        "What helps is the data of the model in production: its data.split_salt, weights and source"
        f"{changed}, or more new examples. Failing that, greenlight approve promotes without the comparison"
    )


def unknown_quality(causes: Collection[str]) -> str:
    """The reason of the condition `quality`: nothing about the model was judged.

    Args:
      causes: why the conditions were not judged, in a few words each; empty if the gate only has conditions
        on the number of examples.
    """
    why = f": the gate only compares, and nothing was compared ({'; '.join(causes)})" if causes else ""
    return (
        f"no condition on the quality of the model was judged{why}. Set a floor such as gate.min_accuracy; "
        "greenlight approve promotes this model by your decision"
    )


def _left_out(comparison: Comparison) -> str:
    total = comparison.reviews - comparison.compared
    reasons = " and ".join(f"{count:,} because {why} them" for why, count in comparison.left_out.items())
    return f"{total:,} of {comparison.reviews:,} were left out, {reasons}"


def _of_comparison(comparison: Comparison, split: str, *, fair: bool) -> Iterator[str]:
    if comparison.problem is not None:
        yield (
            f"it is not known which examples the model in production was trained on: {comparison.problem}. "
            f"Where it has seen examples of {split}, the comparison favors it"
        )
    if not fair:
        yield "the model was not compared with the model in production: too few unseen examples are left"
    elif comparison.left_out:
        yield (
            f"compared with the model in production on {comparison.compared:,} examples of {split} that "
            f"{_which(comparison)}; {_left_out(comparison)}"
        )
    elif comparison.problem is None:
        yield (
            f"compared with the model in production on all {comparison.reviews:,} examples of {split}; "
            "neither model has seen any of them"
        )
    if fair and comparison.classes is not None:
        yield (
            "the model in production has other classes than the candidate: in the comparison each chooses "
            f"among those that both know, {', '.join(comparison.classes)}"
        )
    if comparison.data_changes:
        yield f"the data differs from that of the model in production: {'; '.join(comparison.data_changes)}"


def _of_resolution(gate: GateSettings, resolution: float, *, estimated: bool) -> str:
    how = " (estimated for two models as accurate as this one)" if estimated else ""
    told = f"this test set can show differences of accuracy from ±{resolution:.4f} on{how}"
    if gate.min_change is not None and abs(gate.min_change) < resolution:
        told += f": whether a change keeps gate.min_change = {gate.min_change:g} is partly chance"
    return told


def _of_looks(gate: GateSettings, split: str, candidates: int, level: float | None) -> str:
    models = "1 model was" if candidates == 1 else f"{candidates:,} models were"
    told = f"{models} judged on the texts of {split} so far, this one included"
    if level is not None and candidates > 1:
        return f"{told}: gate.confidence = {gate.confidence:g} is applied as {level:.4g} (Bonferroni)"
    if candidates >= MANY:
        return (
            f"{told}: the best of so many is partly luck; newer examples or another data.split_salt "
            "renew them"
        )
    return told
