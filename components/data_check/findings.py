"""Findings of the data check: ExampleValidator's anomalies and violated bounds of the settings."""

from collections.abc import Iterator, Mapping

from tensorflow_metadata.proto.v0 import anomalies_pb2

from components.class_names import Names
from components.data_check.facts import SplitFacts
from components.data_check.settings import CheckSettings
from components.reviews import CLASSES

TRAIN = "train"
MOST_NAMED = 10
"""Classes that a line names."""
FEW_OF_A_CLASS = 20
"""Examples of a class in a split; with fewer, an interval of its recall is wider than 40 points."""


def findings(
    facts: Mapping[str, SplitFacts],
    anomalies: Mapping[str, anomalies_pb2.Anomalies],
    settings: CheckSettings,
    *,
    classes: Names = CLASSES,
) -> list[str]:
    """One line for everything that should stop the run, naming split, feature and figure; empty for good
    data.

    Args:
      facts: by split.
      anomalies: by split.
      settings: the bounds.
      classes: the names of the classes.
    """
    lines = [line for split, found in anomalies.items() for line in _anomalies(split, found)]
    for split, known in facts.items():
        lines += _broken_bounds(split, known, settings, classes)
    return lines


def only_too_few(
    facts: Mapping[str, SplitFacts],
    anomalies: Mapping[str, anomalies_pb2.Anomalies],
    settings: CheckSettings,
    *,
    classes: Names = CLASSES,
) -> bool:
    """Whether there are findings in splits of too few examples alone: what else is wrong may come of it.

    Args: as `findings` takes them.
    """
    too_few = {split for split, known in facts.items() if known.examples < _fewest(split, settings)}
    others = {split: known for split, known in facts.items() if split not in too_few}
    in_others = {split: found for split, found in anomalies.items() if split not in too_few}
    return bool(too_few) and not findings(others, in_others, settings, classes=classes)


def _anomalies(split: str, found: anomalies_pb2.Anomalies) -> Iterator[str]:
    for feature, anomaly in sorted(found.anomaly_info.items()):
        yield f"{split}: {feature}: {_described(anomaly)}"
    if found.HasField("dataset_anomaly_info"):
        yield f"{split}: {_described(found.dataset_anomaly_info)}"


def _described(anomaly: anomalies_pb2.AnomalyInfo) -> str:
    details = anomaly.description.strip().rstrip(".")
    if details.startswith(anomaly.short_description):
        return details
    return f"{anomaly.short_description}: {details}" if details else anomaly.short_description


def _broken_bounds(split: str, known: SplitFacts, settings: CheckSettings, classes: Names) -> Iterator[str]:
    fewest = _fewest(split, settings)
    if known.examples < fewest:
        key = "min_train_examples" if split == TRAIN else "min_eval_examples"
        yield f"{split}: {known.examples:,} examples, fewer than the {fewest:,} of check.{key}"
    if not known.examples:
        return
    yield from _rare_classes(split, known, settings, classes)
    if known.median_words < settings.min_median_words:
        yield (
            f"{split}: words: half of the examples have at most {known.median_words:,.0f} words, fewer than "
            f"the {settings.min_median_words:,} of check.min_median_words"
        )


def _rare_classes(split: str, known: SplitFacts, settings: CheckSettings, classes: Names) -> Iterator[str]:
    """The bound is that of two classes; of more, it is as small beside an equal share as there."""
    labeled, least = sum(known.counts), settings.min_class_share * 2 / len(classes)
    of_more = f" for {len(classes)} classes" if len(classes) > 2 else ""
    absent, rare = [], []
    for name, count in zip(classes, known.counts, strict=True):
        share = count / labeled if labeled else float(name == classes[0])
        if len(classes) > 2 and not count:
            absent.append(name)
        elif share < least:
            number = "" if len(classes) == 2 else f" ({count:,} of {labeled:,})"
            rare.append(f"{share:.1%} of the examples{number} are {name}")
    if absent:
        yield f"{split}: label: no example is {_first(absent, 'or')}; each class needs some in every split"
    if rare:
        bound = f"the {least:.1%} of check.min_class_share{of_more}"
        yield f"{split}: label: {_first(rare, 'and')}, less than {bound}"


def warnings(facts: Mapping[str, SplitFacts], classes: Names) -> Iterator[str]:
    """A line for each split with few examples of a class, of more than two: its figures are uncertain."""
    for split, known in facts.items():
        rare = [
            f"{name} ({count:,})"
            for name, count in zip(classes, known.class_counts, strict=False)
            if 0 < count < FEW_OF_A_CLASS
        ]
        if rare:
            few = f"{split}: fewer than {FEW_OF_A_CLASS} examples of {_first(rare, 'and')}"
            yield f"{few}: what is measured of such a class is uncertain"


def _first(names: list[str], conjunction: str) -> str:
    """The first MOST_NAMED of the names in a row, and how many more there are.

    >>> _first(["a", "b", "c"], "or")
    'a, b or c'
    """
    shown = names[:MOST_NAMED]
    if more := len(names) - len(shown):
        return f"{', '.join(shown)} {conjunction} {more:,} more"
    return f" {conjunction} ".join([", ".join(shown[:-1]), shown[-1]] if shown[1:] else shown)


def _fewest(split: str, settings: CheckSettings) -> int:
    return settings.min_train_examples if split == TRAIN else settings.min_eval_examples
