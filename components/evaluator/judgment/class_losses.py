"""Losses of accuracy on the examples of one class, which the gain on the other can hide."""

from collections.abc import Iterator

from components.evaluator.judgment import intervals, metrics, wording
from components.evaluator.judgment.samples import Sample
from components.evaluator.predictions import not_probabilities

LEVEL = 0.95


def class_losses(compared: Sample, *, fewest: int) -> Iterator[str]:
    """A note for each class on which the candidate is significantly worse than the model in production.

    Args:
      compared: the examples that neither model has seen.
      fewest: distinct texts of a class that this takes at least.
    """
    baseline = compared.predictions.baseline_scores
    if baseline is None or not_probabilities(compared.predictions.scores):
        return
    for label, name in enumerate(compared.classes):
        part = compared.predictions.where(compared.predictions.label == label)
        ours, theirs = part.scores_for("accuracy"), part.baseline_scores_for("accuracy")
        if theirs is None or part.distinct_texts < fewest:
            continue
        interval = intervals.change_interval(
            "accuracy",
            label=part.label,
            probability=ours,
            baseline=theirs,
            confidence=1 - (1 - LEVEL) / len(compared.classes),
            texts=part.text_id,
        )
        if interval is None or interval[1] >= 0:
            continue
        change = metrics.accuracy(part.label, ours) - metrics.accuracy(part.label, theirs)
        p_value = intervals.mcnemar_p_value(
            label=part.label, probability=ours, baseline=theirs, texts=part.text_id
        )
        yield (
            f"the model is worse on {name} examples: change of accuracy {change:+.4f} on "
            f"{wording.counted(len(part), f'{name} example')} of {compared.split}{compared.whose}, McNemar "
            f"p = {p_value:.2g}; a condition on the change of balanced_accuracy or recall can refuse that"
        )
