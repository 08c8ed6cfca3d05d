"""The drift of a file, a span or served traffic against the live model's training data."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from components.drift.findings import DriftReport, Finding, any_judged
from components.errors import InputError
from components.example_gen.formats.labels import CLASS_NAMES
from components.example_gen.settings import DataSettings
from pipeline.workspace.layout import Workspace
from pipeline.workspace.training_data import examples_of
from pipeline.workspace.version_store import folder_of, store_root

if TYPE_CHECKING:
    from components.drift.features import Features
    from components.drift.texts import Text, Texts
    from pipeline.config import Settings
    from serving.store.records import Version


@dataclasses.dataclass(frozen=True)
class FileInput:
    """A file of texts, labeled or not, of any format that a run reads, or TXT; or a pattern."""

    path: str

    def __str__(self) -> str:
        return self.path


@dataclasses.dataclass(frozen=True)
class SpanInput:
    """A span, as `pipeline.spans.listing` finds it."""

    number: int

    def __str__(self) -> str:
        return f"span {self.number}"


@dataclasses.dataclass(frozen=True)
class ServedInput:
    """The sampled requests that the server logged since `since`, in seconds since the epoch.

    Without it, those of the last `drift.request_hours`.
    """

    since: float | None = None

    def __str__(self) -> str:
        return "served requests"


_LABELS_SHOWN = 5
DriftInput = FileInput | SpanInput | ServedInput


def require_inputs(settings: Settings, *inputs: DriftInput) -> None:
    """Finds out before anything is written or loaded that there is nothing to compare, or to compare with.

    Raises:
      InputError: a file or span cannot be read as one of texts, or nothing is live.
    """
    from pipeline.preflight.reviews import require_comparable

    version = _live(settings)
    if version is not None:
        settings = with_data_of(version, settings)
    for one in inputs:
        if not isinstance(one, ServedInput):
            require_comparable(*_files(settings, one))
    if version is None:
        raise _nothing_live(settings)


def compare(settings: Settings, what: DriftInput, *, against: SpanInput | None = None) -> DriftReport:
    """Compares `what` with the live model's training data, or with the span `against`.

    Raises:
      InputError: there is nothing live, nothing to compare, or the training data is gone.
      GreenlightError: the live model cannot be asked.
    """
    version = live_version(settings)
    settings = with_data_of(version, settings)
    given = _texts(settings, what)

    from components.drift import comparison, examples
    from components.drift.features import FeatureModel
    from components.drift.texts import require_texts, sampled

    folder = str(examples_of(version, Workspace.of(settings)))
    fitted_on = (version.manifest.facts.fitted_on if version.manifest else ()) or (examples.TRAIN,)
    reference_data = None
    if against is None:
        held_out = sampled(examples.held_out(folder, fitted_on=fitted_on), most=settings.drift.max_examples)
        reference = require_texts(held_out, what=f"the held-out examples at {folder}")
        name = f"the training data of version {version.number}"
    else:
        reference, name = _texts(settings, against), str(against)
        reference_data = reference.account()
    trained_on = examples.trained_on(folder, fitted_on=fitted_on)
    with folder_of(version, settings) as model_folder:
        model = FeatureModel(model_folder, threshold=version.threshold)
        theirs = model.features(reference, trained_on=trained_on)
        ours = model.features(given, trained_on=trained_on)
    findings, histograms = comparison.compare(
        theirs,
        ours,
        settings.drift,
        served=isinstance(what, ServedInput),
        classes=settings.data.class_names,
    )
    return DriftReport(
        what=str(what),
        reference=name,
        version=version.number,
        examples=len(given),
        reference_examples=len(reference),
        findings=findings,
        histograms=histograms,
        notes=(*_notes(given, ours), *_unknown_labels(given, settings.data), *_doubts(findings)),
        data=None if isinstance(what, ServedInput) else given.account(),
        reference_data=reference_data,
    )


def _unknown_labels(given: Texts, data: DataSettings) -> Iterator[str]:
    """Says that labels were not compared because they are not those of the model's classes."""
    unknown = given.unknown_labels
    if not unknown or data.mapping:  # the mapping leaves the others out
        return
    known, most = sum(given.reading.classes.values()), unknown.most_common(_LABELS_SHOWN)
    shown = ", ".join(f"{label} ({count:,})" for label, count in most)
    more = len(unknown) - len(most)
    shown += f" and {more:,} more" if more > 0 else ""
    remedy = f"the classes of the model are {', '.join(data.class_names)}; map other labels with data.labels"
    if known:
        total = unknown.total()
        yield f"{total:,} of {total + known:,} labels are of no class and count as missing: {shown}; {remedy}"
    else:
        yield f"the labels were not compared, because none of them is of a class: {shown}; {remedy}"


def _doubts(findings: Sequence[Finding]) -> Iterator[str]:
    if not any_judged(findings):
        yield "no figure could be judged, so nothing is known of drift: more examples are needed"


def live_version(settings: Settings) -> Version:
    """The version that is served.

    Raises:
      InputError: there is none.
    """
    live = _live(settings)
    if live is None:
        raise _nothing_live(settings)
    return live


def _live(settings: Settings) -> Version | None:
    from components.store_errors import as_greenlight_errors
    from serving.versions import VersionStore

    with as_greenlight_errors():
        return VersionStore(store_root(settings)).live()


def _nothing_live(settings: Settings) -> InputError:
    return InputError(
        f"No version of {settings.model_name} is live in {settings.workspace}, so there is nothing to "
        "compare with. `greenlight run` promotes one; --workspace looks elsewhere."
    )


def with_data_of(version: Version, settings: Settings) -> Settings:
    """The settings with the data's as they were in the run of the version, unless others are given: where its
    spans are, and what its columns are called.
    """
    from pipeline.config import load

    run_id = version.manifest.facts.run_id if version.manifest else None
    known = Workspace.at(settings.workspace).settings(run_id or "unknown")
    if settings.data == DataSettings() and known.is_file():
        settings = settings.model_copy(update={"data": load(file=known).data})
    return settings.model_copy(update={"data": _of_same_classes(settings.data, version)})


def _of_same_classes(data: DataSettings, version: Version) -> DataSettings:
    """The settings with the classes of the version, in its order, where they do not name others.

    Raises:
      InputError: they name others, whose labels cannot be compared.
    """
    facts = version.manifest.facts.data.get("settings", {}) if version.manifest else {}
    if not facts or (theirs := tuple(facts.get("classes") or CLASS_NAMES)) == data.classes:
        return data
    named = None if data.learns_classes or data.classes is None else tuple(data.classes)
    if named is not None and set(named) != set(theirs):
        raise InputError(
            f"data.classes names {', '.join(named)}, and the classes of version {version.number} are "
            f"{', '.join(theirs)}. Labels can be compared in its classes only: leave data.classes out, and "
            "map other labels with data.labels."
        )
    if theirs == CLASS_NAMES and not data.learns_classes:
        return data
    if data.labels and not set(data.labels.values()) <= set(theirs):
        return data
    return data.model_copy(update={"classes": theirs})


def span_files(settings: Settings, number: int) -> tuple[list[str], DataSettings]:
    """The files of a span in its newest version, and what their columns are called.

    Raises:
      InputError: there is no such span.
    """
    from components.example_gen.sources.spans import in_words
    from pipeline.spans.listing import list_spans, span_data

    spans = {span.number: span for span in list_spans(settings)}
    if number not in spans:
        there = f"there is: {in_words(spans)}" if spans else "there is none at all"
        raise InputError(f"There is no span {number} at {span_data(settings).pattern}; {there}.")
    return spans[number].paths, span_data(settings)


def _texts(settings: Settings, what: DriftInput) -> Texts:
    """The texts of one side, a sample where there are many."""
    from components.drift.texts import read_files, require_texts, sampled

    most = settings.drift.max_examples
    if isinstance(what, ServedInput):
        found = sampled(_served(settings, what), most=most)
        if not found.texts:
            raise InputError(_nothing_served(settings))
        return found
    paths, data = _files(settings, what)
    found = read_files(
        paths,
        text_column=data.text_column,
        label_column=data.label_column,
        most=most,
        labels=data.columns.labels,
        dialect=data.dialect,
    )
    return require_texts(found, what=str(what))


def _files(settings: Settings, what: FileInput | SpanInput) -> tuple[list[str], DataSettings]:
    """The files of one side, and what their columns are called."""
    from components.drift.texts import files_at

    if isinstance(what, SpanInput):
        return span_files(settings, what.number)
    return files_at(what.path), settings.data


def _served(settings: Settings, what: ServedInput) -> Iterator[Text]:
    from components.drift.texts import Text
    from serving.request_log import read

    since = what.since if what.since is not None else time.time() - 3600 * settings.drift.request_hours
    for request in read(request_folder(settings), since=since):
        yield Text(request.text.decode("utf-8", "replace"), None)


def request_folder(settings: Settings) -> Path:
    """Where the server keeps the sampled requests."""
    workspace = Workspace.at(settings.workspace)
    return settings.serve.request_log_dir or workspace.requests(settings.model_name)


def _nothing_served(settings: Settings) -> str:
    from serving.request_log import FILE_MIB, FILE_SECONDS, unfinished

    folder = request_folder(settings)
    nothing = f"No request of the last {settings.drift.request_hours:g} hours is in {folder}"
    if being_written := unfinished(folder):
        return (
            f"{nothing} yet: {being_written[0].name} is still being written. A file can be read once it is "
            f"finished, {FILE_SECONDS} seconds after its first request, at {FILE_MIB} MiB, or when the "
            "server ends; try again then."
        )
    return (
        f"{nothing}. "
        "`greenlight serve --set serve.request_log_share=0.1` keeps a tenth of them; or name a file or span: "
        "greenlight drift FILE."
    )


def _notes(given: Texts, ours: Features) -> Iterator[str]:
    if given.rows > len(given):
        yield f"{len(given):,} of {given.rows:,} examples were sampled (drift.max_examples)"
    if given.not_utf8:
        yield f"{given.not_utf8:,} rows that are not UTF-8 were left out"
    if given.unusable > given.not_utf8:
        yield f"{given.unusable - given.not_utf8:,} rows without a usable text were left out"
    if seen := int(ours.seen.sum()):
        yield (
            f"the model was trained on {seen:,} of the examples; its predictions are compared on the "
            f"other {len(given) - seen:,}"
        )
