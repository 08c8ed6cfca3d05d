import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.evaluator.judgment import intervals
from components.evaluator.judgment.judge import judge
from components.evaluator.predictions import Predictions
from components.evaluator.settings import SLICES, GateSettings
from components.evaluator.verdict import Baseline
from components.reviews import LENGTHS

METRICS = ("accuracy", "auc", "precision", "recall", "loss", "calibration", "ece", "example_count")


@pytest.fixture(autouse=True, scope="module")
def few_resamples():
    """Monotonicity does not depend on their number, the time of this file does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intervals, "RESAMPLES", 39)
        yield


@st.composite
def situations(draw) -> tuple[Predictions, Baseline | None]:
    size = draw(st.integers(1, 30))
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    label = random.integers(0, 2, size)

    def scores() -> np.ndarray:
        skill = draw(st.sampled_from([0.0, 0.6, 1.0]))
        return (skill * label + (1 - skill) * random.random(size)).astype(np.float32)

    production = draw(st.sampled_from(["none", "works", "broken"]))
    found = Predictions(
        text=np.full(size, "", object),
        label=label.astype(np.int8),
        length=random.choice(np.array(LENGTHS[:2], object), size),
        probability=scores(),
        baseline_probability=scores() if production == "works" else None,
    )
    problem = "gone" if production == "broken" else None
    return found, None if production == "none" else Baseline(model_uri="models/1", problem=problem)


limits = st.floats(0, 1).map(lambda value: round(value, 2))
maybe = st.none() | limits
conditions = st.builds(
    lambda metric, slice_name, limit, kind: {"metric": metric, "slice": slice_name, kind: limit},
    st.sampled_from(METRICS[:-1]),
    st.sampled_from(["overall", *SLICES[:3]]),
    limits,
    st.sampled_from(["at_least", "at_most", "change_at_least", "change_at_most"]),
)
gates = st.fixed_dictionaries(
    {
        "min_accuracy": maybe,
        "min_change": maybe.map(lambda value: value and value - 0.5),
        "confidence": st.sampled_from([None, 0.6, 0.9]),
        "min_examples": st.integers(1, 10),
        "max_calibration_error": maybe,
        "slices": st.dictionaries(st.sampled_from(SLICES[:2]), limits, max_size=1),
        "conditions": st.lists(conditions, max_size=1),
    }
)


def _at_least_as_sure(confidence: float | None) -> list[float | None]:
    levels = [None, 0.6, 0.9, 0.95]
    return levels[levels.index(confidence) :]


@st.composite
def tightened(draw) -> tuple[dict, dict]:
    """A gate, and the same gate with some of its demands raised or added."""
    gate = draw(gates)

    def higher(value: float | None, most: float) -> float | None:
        raised = draw(st.none() | st.floats(0, 1))
        if raised is None:
            return value
        return raised * most if value is None else value + raised * (most - value)

    tighter = gate | {
        "min_accuracy": higher(gate["min_accuracy"], 1),
        "min_change": higher(gate["min_change"], 1),
        "confidence": draw(
            st.sampled_from([c for c in (None, 0.6, 0.9, 0.95) if (c or 0) >= (gate["confidence"] or 0)])
        ),
        "min_examples": gate["min_examples"] + draw(st.integers(0, 10)),
        "slices": {name: higher(floor, 1) for name, floor in gate["slices"].items()},
        "conditions": gate["conditions"] + draw(st.lists(conditions, max_size=1)),
    }
    if gate["max_calibration_error"] is not None:
        tighter["max_calibration_error"] = gate["max_calibration_error"] * draw(st.floats(0, 1))
    return gate | {"min_accuracy": gate["min_accuracy"] or 0}, tighter | {
        "min_accuracy": tighter["min_accuracy"] or 0
    }


def test_tightening_a_gate_never_turns_a_refusal_into_a_promotion():
    seen = set()

    @settings(max_examples=200, deadline=None, derandomize=True, database=None)
    @given(situations(), tightened())
    def compare(situation, pair):
        found, baseline = situation
        before, after = (judge(GateSettings(**gate), found, split="test", baseline=baseline) for gate in pair)
        assert before.promoted or not after.promoted
        seen.add((before.verdict, after.verdict))

    compare()

    # Otherwise the property would have held for want of cases.
    assert seen == {("promoted", "promoted"), ("promoted", "refused"), ("refused", "refused")}
