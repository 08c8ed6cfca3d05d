"""A model's answers to the cases of the checklist, and its accuracy on each kind of case."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from components.evaluator.checklist.negation import Case, cases
from components.evaluator.predict import ModelError, Scorer
from components.evaluator.predictions import Predictions, not_probabilities
from components.reviews import CLASSES, to_example
from components.threshold import DEFAULT

PLAIN = "plain"
"""The kind without negation and contrast: whether the model knows the words."""
ALL_BUT_PLAIN = "all but plain"


@dataclasses.dataclass(frozen=True)
class Answers:
    """The cases with the probability of positive that a model gives each, float [N], and its threshold."""

    cases: Sequence[Case]
    probability: np.ndarray
    threshold: float = DEFAULT

    @property
    def right(self) -> np.ndarray:
        """bool [N]"""
        positive = self.probability >= np.float32(self.threshold)
        return positive == np.array([case.positive for case in self.cases])

    def accuracies(self) -> Mapping[str, tuple[float, int]]:
        """Kind -> accuracy and number of cases; ALL_BUT_PLAIN has those of the other kinds, if any."""
        kinds = np.array([case.kind for case in self.cases])
        chosen = {kind: kinds == kind for kind in dict.fromkeys(kinds.tolist())}
        if (others := kinds != PLAIN).any():
            chosen[ALL_BUT_PLAIN] = others
        return {kind: (float(self.right[of].mean()), int(of.sum())) for kind, of in chosen.items()}

    def wrong(self) -> list[tuple[Case, float]]:
        """The wrong answers with their probabilities, the surest first."""
        found = [
            (case, float(probability))
            for case, probability, right in zip(self.cases, self.probability, self.right, strict=True)
            if not right
        ]
        return sorted(found, key=lambda each: -abs(each[1] - self.threshold))


def negation(
    found: Predictions, candidate: Scorer, production: Scorer | None = None
) -> tuple[dict[str, Any], ...]:
    """The `records` of the candidate, and of the model in production where `found` has its predictions."""
    ours = answers_of(candidate, found.threshold)
    if production is None or found.baseline_scores is None:
        return records(ours)
    return records(ours, answers_of(production, found.baseline_threshold))


def answers_of(scorer: Scorer, threshold: float | None = None) -> Answers | None:
    """The answers of a model of two classes; None, with a line in the log, if it cannot give them.

    The checklist informs and never refuses a model.
    """
    asked = cases()
    examples = [to_example(case.text, int(case.positive)).SerializeToString() for case in asked]
    try:
        probability = scorer(tf.constant(examples))
    except ModelError as error:
        problem: str | None = str(error)
    else:
        problem = not_probabilities(probability)
    if problem is not None:
        logging.warning("The sentences with negations are left out: %s", problem)
        return None
    return Answers(asked, probability, DEFAULT if threshold is None else threshold)


def records(ours: Answers | None, theirs: Answers | None = None) -> tuple[dict[str, Any], ...]:
    """For the verdict, of each kind: `kind`, `example`, `label`, `example_count`, `accuracy`, `baseline`.

    `example` and `label` are those of its shortest case, "" of ALL_BUT_PLAIN. `baseline` is the accuracy of
    the model in production, None without it. Empty without answers.
    """
    if ours is None:
        return ()
    before = {} if theirs is None else theirs.accuracies()
    return tuple(
        {
            "kind": kind,
            **_shown([case for case in ours.cases if case.kind == kind]),
            "example_count": count,
            "accuracy": accuracy,
            "baseline": before[kind][0] if kind in before else None,
        }
        for kind, (accuracy, count) in ours.accuracies().items()
    )


def _shown(of_kind: Sequence[Case]) -> dict[str, str]:
    if not of_kind:
        return {"example": "", "label": ""}
    case = min(of_kind, key=lambda each: len(each.text))
    return {"example": case.text, "label": CLASSES[case.positive]}
