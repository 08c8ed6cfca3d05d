"""The measuring process: examines a span with the live model, or measures the drift of served traffic.

`python -m pipeline.retraining.measuring SETTINGS span 5` reads span 5 as a run would, predicts it with the
live and the previous version, and prints an Examination as JSON; `... served` compares the served requests.
It writes nothing.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from components.errors import DataStopped, GreenlightError, InputError
from components.reviews import CLASSES
from components.threshold import DEFAULT as THRESHOLD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from components.example_gen.settings import DataSettings
    from pipeline.config import Settings
    from serving.store.records import Version


SUSPECTS_NAMED = 20
"""The maximum number of listed rows with a suspected label; all are counted."""
_SHOWN = 5
"""The maximum number of new labels in a message."""
SURE = 0.9
"""The minimum probability of the predicted class at which a prediction counts as sure."""


@dataclasses.dataclass(frozen=True)
class Labeled:
    """The usable rows of a span.

    Attributes:
      texts: one per row.
      labels: one per row, the number of its class.
      rows: FILE:LINE of each row.
      account: the counts of used and skipped rows; see `Reading.account`.
    """

    texts: Sequence[str]
    labels: Sequence[int]
    rows: Sequence[str] = ()
    account: Mapping[str, Any] | None = None


def main(arguments: Sequence[str]) -> int:
    """Prints the result as JSON; returns 1, with the reason on standard error, if measuring failed."""
    from pipeline.config import load
    from pipeline.console.run_log import real_stdout
    from serving.machine import faults
    from serving.machine.child_processes import end_with_parent

    end_with_parent()

    settings = load(file=Path(arguments[0]))
    with real_stdout() as answer:
        os.dup2(2, 1)  # TensorFlow's output must not mix with the result
        try:
            result = (
                examine(settings, int(arguments[2])) if arguments[1] == "span" else served_drift(settings)
            )
        except Exception as error:
            known = str(error) if isinstance(error, GreenlightError) else faults.remedy_of(error)
            if known is None:
                raise
            print(known, file=sys.stderr)
            return 1
        answer.write(json.dumps(result))
    return 0


def examine(settings: Settings, number: int) -> dict[str, Any]:
    """Examines the span `number`.

    Returns:
      The fields of an Examination, or only `problem` if a run could not use the span's rows.

    Raises:
      GreenlightError: the live model or, temporarily, the files cannot be read. The span is not to blame.
    """
    from pipeline.retraining.observer import live_and_previous_versions
    from pipeline.spans.listing import span_data
    from pipeline.workspace.layout import Workspace
    from pipeline.workspace.version_store import folder_of

    live, previous = live_and_previous_versions(settings, Workspace.at(settings.workspace))
    try:
        own = span_data(settings)
        data = _with_classes(own, live)
        if own.learns_classes:
            _require_known_labels(data, number, live)
        labeled = read(data, number)
    except (InputError, DataStopped) as error:
        if is_transient(error):
            raise
        return {"problem": str(error)}
    result: dict[str, Any] = {
        "rows": len(labeled.texts),
        "data": labeled.account,
        "in_base": in_base(labeled.texts) if _reads_base(settings.data) else 0,
        "live": live and live.number,
        "previous": previous and previous.number,
    }
    result |= suspected(labeled)
    if live is None:
        return result
    with contextlib.ExitStack() as copies:

        def fetched(version: Version) -> ComparedVersion:
            folder = copies.enter_context(folder_of(version, settings))
            return ComparedVersion(folder, _classes_of(version), version.threshold)

        before = None
        if previous is not None:
            try:
                before = fetched(previous)
            except GreenlightError as error:  # the comparison is optional, unlike the live version
                result |= {"previous": None, "previous_problem": str(error)}
        return result | agreement(labeled, fetched(live), before, classes=data.class_names)


def _with_classes(data: DataSettings, live: Version | None) -> DataSettings:
    """The settings with the names of the classes: of `data.classes = "auto"`, those of the live version, or
    those of all spans where there is none.
    """
    if not data.learns_classes:
        return data
    from components.example_gen.sources.label_census import learned_classes

    known = None if live is None else _named_classes(live)
    return data.model_copy(update={"classes": known or learned_classes(data).names})


def _require_known_labels(data: DataSettings, number: int, live: Version | None) -> None:
    """Refuses a span with labels of which the model in production has no class, where classes are learned.

    A run would learn them as further classes, however few rows they have: that is for a person to decide.

    Raises:
      DataStopped: it has some.
    """
    from components.example_gen.formats.labels import is_missing
    from components.example_gen.sources.label_census import census, source_paths

    if live is None or _named_classes(live) is None:
        return
    counts = census(source_paths(only_span(data, number)), data)
    labels = [(counts.written.get(key, key), rows) for key, rows in counts.others.most_common()]
    new = [(label, rows) for label, rows in labels if not is_missing(label)]
    if new:
        raise DataStopped(new_classes(new, number=number, version=live.number, names=data.class_names))


def new_classes(new: Sequence[tuple[str, int]], *, number: int, version: int, names: tuple[str, ...]) -> str:
    """What is new in a span, with its rows, and what to do.

    Args:
      new: the new labels, and the rows of each.
      number: the span.
      version: the live version, whose classes are `names`.
    """
    from components.example_gen.formats.labels import LEARNED_SETTING
    from components.example_gen.reading import OTHER_LABELS

    shown = ", ".join(f"{label} ({rows:,})" for label, rows in new[:_SHOWN])
    more = f" and {len(new) - _SHOWN:,} more" if len(new) > _SHOWN else ""
    added = [label for label, _ in new if label != OTHER_LABELS]
    known, wider = (json.dumps(list(one), ensure_ascii=False) for one in (names, (*names, *added)))
    return (
        f"{sum(rows for _, rows in new):,} rows have labels that are new: {shown}{more}. Version {version}, "
        f"which is live, learned the classes {', '.join(names)} ({LEARNED_SETTING}), and retraining adds no "
        f"class by itself. To add them, set data.classes = {wider} in greenlight.toml. If they are mistakes, "
        f"correct them in the files; or set data.classes = {known}, and data.max_bad_share to the share of "
        f"rows that may be left out. After a change of settings, `greenlight retrain --release {number} "
        "--reason TEXT` reads the span again."
    )


def _named_classes(version: Version) -> tuple[str, ...] | None:
    """The names in the manifest of a version; None if it has none."""
    if version.manifest is None:
        return None
    return tuple(version.manifest.facts.data.get("settings", {}).get("classes") or ()) or None


def _classes_of(version: Version) -> tuple[str, ...] | None:
    """The classes of a version; None if it was pushed before they were recorded."""
    if version.manifest is None or not version.manifest.facts.data:
        return None
    return _named_classes(version) or CLASSES


def suspected(labeled: Labeled) -> dict[str, Any]:
    """The rows whose label is probably wrong, judged by the other rows of the span."""
    from components.label_check.suspects import find_suspects

    found = find_suspects(labeled.texts, labeled.labels)
    rows = [labeled.rows[one.index] for one in found.suspects[:SUSPECTS_NAMED]]
    return {
        "suspects": len(found.suspects),
        "examined": 0 if found.not_judged else found.examined,
        "suspect_rows": rows,
        "labels_not_judged": found.not_judged,
        "label_limit_applies": not found.not_judged and not found.too_few_for_limit,
    }


def _reads_base(data: DataSettings) -> bool:
    """Whether a run also reads the packaged reviews; see `attempts.run_settings`."""
    return data.with_base or not data.has_spans


def in_base(texts: Sequence[str]) -> int:
    """The number of texts that are packaged reviews; a run keeps the packaged copies instead.

    Raises:
      InputError: the packaged reviews are not installed.
    """
    from components.example_gen.sources.packaged import PackagedPart
    from components.reviews import text_key

    known = {text_key(review.text) for review in PackagedPart().rows()}
    return sum(text_key(text) in known for text in texts)


def is_transient(error: GreenlightError) -> bool:
    """Whether the system failed, such as a disk or the network, and not the content of the files."""
    return isinstance(error.__cause__, OSError) and not isinstance(error.__cause__, gzip.BadGzipFile)


def read(data: DataSettings, number: int) -> Labeled:
    """The rows of one span that a run would use.

    Raises:
      InputError, DataStopped: a run would fail with the same error.
    """
    from components.example_gen.reading import Reading, usable
    from components.example_gen.reading_limits import require_usable
    from components.example_gen.sources import parts as sources
    from components.example_gen.sources.spans import chosen

    data = only_span(data, number)
    reading, texts, labels, rows, distinct = Reading(), [], [], [], set()
    for part in sources.parts(data, chosen(data)):
        found = usable(part.rows(), name=part.name, reading=reading, names=data.class_names)
        for review, normalized in found:
            texts.append(review.text)
            distinct.add(normalized)
            labels.append(review.label)
            rows.append(f"{Path(part.name).name}:{review.line}")
    reading.taken, reading.duplicates = len(texts), len(texts) - len(distinct)
    require_usable(reading, max_bad_share=data.max_bad_share, names=data.class_names)
    return Labeled(texts, labels, rows, reading.account())


def only_span(data: DataSettings, number: int) -> DataSettings:
    """The settings of a run that reads only this span."""
    return data.model_copy(update={"span": number, "window": 1, "without_spans": (), "with_base": False})


class ComparedVersion(NamedTuple):
    """A version to compare with the labels.

    Attributes:
      path: the folder of its model.
      classes: their names; None if they are unknown and taken to be the data's.
      threshold: the minimum probability of the positive class for its label, of two classes.
    """

    path: str
    classes: tuple[str, ...] | None = None
    threshold: float = THRESHOLD


def in_our_classes(
    predicted: np.ndarray, *, theirs: tuple[str, ...] | None, ours: tuple[str, ...]
) -> np.ndarray:
    """Predicted classes, int [N], as numbers of our classes; -1 for one that we do not have."""
    import numpy as np

    if theirs is None or theirs == ours:
        return predicted
    numbers = [ours.index(name) if name in ours else -1 for name in theirs]
    return np.array(numbers)[predicted]


def agreement(
    labeled: Labeled, live: ComparedVersion, previous: ComparedVersion | None, *, classes: tuple[str, ...]
) -> dict[str, Any]:
    """The agreement of two models with the labels.

    Rows of a class that one of the models does not know say nothing of their labels, nor do predictions of a
    class that the data does not have: neither counts.

    Args:
      labeled: the rows of the span.
      live: the live version.
      previous: the previous version, if there is one.
      classes: the classes of the rows.

    Returns:
      Fields of an Examination: accuracies, sure predictions, and rows that only one of the models gets right;
      empty if the live model can be compared on no row.
    """
    import numpy as np

    from components.drift.features import FeatureModel

    label = np.asarray(labeled.labels)

    def compared(version: ComparedVersion) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        predicted = FeatureModel(version.path, threshold=version.threshold).predicted(labeled.texts)
        answer = in_our_classes(predicted.label, theirs=version.classes, ours=classes)
        known = [name in (version.classes or classes) for name in classes]
        return answer == label, predicted.confidence, np.array(known)[label] & (answer >= 0)

    right, confidence, counted = compared(live)
    if not counted.any():
        return {}
    sure = counted & (confidence >= SURE)
    found: dict[str, Any] = {
        "accuracy": float(right[counted].mean()),
        "sure": int(sure.sum()),
        "sure_wrong": int((sure & ~right).sum()),
    }
    if previous is None:
        return found
    before, _, of_both = compared(previous)
    of_both &= counted
    if of_both.any():
        right, before = right[of_both], before[of_both]
        found["previous_accuracy"] = float(before.mean())
        found["live_only"] = int((right & ~before).sum())
        found["previous_only"] = int((before & ~right).sum())
    return found


def served_drift(settings: Settings) -> dict[str, Any]:
    """Compares the served requests with the live model's training data."""
    from pipeline.drift import ServedInput, compare

    try:
        report = compare(settings, ServedInput())
    except InputError as error:  # nothing was served, or the training data is gone
        return {"drift": False, "findings": [], "problem": str(error)}
    findings = [dataclasses.asdict(one) for one in report.findings]
    return {"drift": report.drift, "findings": findings, "problem": None}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
