"""The conditions of a gate, in the order of the report."""

from collections.abc import Collection, Iterator

from components.evaluator.settings import CHANCE, SLICES, ConditionSettings, GateSettings
from components.evaluator.slice_names import all_but, of_span
from components.evaluator.verdict import Condition, Kind
from components.example_gen.span_pattern import BASE


def conditions(
    gate: GateSettings,
    *,
    newest_span: int = 0,
    older_spans: Collection[int] = (),
    judged_spans: int = 1,
    classes: int = 2,
) -> tuple[Condition, ...]:
    """Every condition of a gate.

    Args:
      gate: the settings.
      newest_span: the number of the newest span; 0 if the examples have no spans.
      older_spans: the numbers of the other spans, without BASE.
      judged_spans: the number of older spans with enough examples to be judged.
      classes: the number of classes with an example in the split, at least 2.
    """
    found = [*_overall(gate, classes)]
    if newest_span:
        found += _of_spans(gate, newest_span)
        found += _of_older_spans(gate, older_spans, judged_spans)
    found += _of_lengths(gate)
    for name, floor in sorted(gate.slices.items()):
        found.append(Condition(metric="accuracy", kind="floor", threshold=floor, slice=name))
    for entry in gate.conditions:
        found += _of_entry(entry, gate)
    return tuple(found)


def _overall(gate: GateSettings, classes: int) -> Iterator[Condition]:
    yield Condition(metric="example_count", kind="examples", threshold=gate.min_examples)
    if gate.min_accuracy is not None:
        yield Condition(metric="accuracy", kind="floor", threshold=gate.min_accuracy)
    if gate.min_balanced_accuracy is not None:
        floor = 1 / classes if gate.min_balanced_accuracy == CHANCE else float(gate.min_balanced_accuracy)
        yield Condition(metric="balanced_accuracy", kind="floor", threshold=floor, by="proof")
    if gate.min_change is not None:
        yield Condition(metric="accuracy", kind="change", threshold=gate.min_change)
    if gate.max_calibration_error is not None:
        yield Condition(metric="ece", kind="ceiling", threshold=gate.max_calibration_error)


def _of_spans(gate: GateSettings, newest: int) -> Iterator[Condition]:
    """The conditions on the base set, on the newest span, and on everything but the newest span.

    The first two are often small slices, so only a significant loss counts.
    """
    few = gate.min_span_examples
    if gate.min_change is not None:
        yield Condition(
            metric="accuracy",
            kind="change",
            threshold=gate.min_change,
            slice=all_but(newest),
            min_examples=few,
        )
    limits: tuple[tuple[int, Kind, float | None, int], ...] = (
        (BASE, "change", gate.min_change_base, few),
        (newest, "change", gate.min_change_newest, few),
        # With few examples, the interval of an accuracy is wide enough, that of a change is not.
        (newest, "floor", gate.min_accuracy_newest, 1),
    )
    for span, kind, threshold, needed in limits:
        if threshold is not None:
            yield Condition(
                metric="accuracy",
                kind=kind,
                threshold=threshold,
                slice=of_span(span),
                min_examples=needed,
                by="doubt",
            )


def _of_older_spans(gate: GateSettings, older: Collection[int], judged: int) -> Iterator[Condition]:
    """One condition for each older span: in one figure for all, the gain in one hides the loss in another."""
    if gate.min_change is None or gate.min_change_older is None:
        return
    for span in sorted(older):
        yield Condition(
            metric="accuracy",
            kind="change",
            threshold=gate.min_change_older,
            slice=of_span(span),
            min_examples=gate.min_span_examples,
            by="doubt",
            family=max(judged, 1),
        )


def _of_lengths(gate: GateSettings) -> Iterator[Condition]:
    if gate.min_change is None or gate.min_change_length is None:
        return
    for name in SLICES:
        yield Condition(
            metric="accuracy",
            kind="change",
            threshold=gate.min_change_length,
            slice=name,
            min_examples=gate.min_span_examples,
            by="doubt",
            family=len(SLICES),
        )


def _of_entry(entry: ConditionSettings, gate: GateSettings) -> Iterator[Condition]:
    limits: tuple[tuple[Kind, float | None], ...] = (
        ("floor", entry.at_least),
        ("ceiling", entry.at_most),
        ("change", entry.change_at_least),
        ("change_ceiling", entry.change_at_most),
        ("gap", entry.max_gap),
    )
    for kind, threshold in limits:
        if threshold is not None:
            yield Condition(
                metric=entry.metric,
                kind=kind,
                threshold=threshold,
                slice=entry.slice,
                class_name=entry.class_name,
                min_examples=gate.min_span_examples if kind == "gap" else 0,
            )
