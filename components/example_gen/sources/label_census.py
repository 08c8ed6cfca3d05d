"""The labels of all rows of labeled files: for advice, and for names of classes that are learned."""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from components.errors import InputError
from components.example_gen.formats.labels import (
    LEARNED_SETTING,
    MOST_CLASSES,
    in_order,
    is_missing,
    spelling,
)
from components.example_gen.formats.rows import Record, shortened_label
from components.example_gen.reading import OTHER_LABELS, LabelCounts
from components.example_gen.settings import DataSettings
from components.example_gen.sources import file_lookup, spans
from components.example_gen.sources.files import FilePart


@dataclass(frozen=True)
class LearnedClasses:
    """The classes that the labels of files name.

    Attributes:
      names: in the order of the classes: numbers by value, then words by the alphabet.
      rows: the number of rows of each.
    """

    names: tuple[str, ...]
    rows: tuple[int, ...]


def census(paths: Iterable[str], data: DataSettings) -> LabelCounts:
    """The labels of files, whatever they are worth; files and rows that cannot be read are left out."""
    rule, counts = data.columns.labels, LabelCounts(Counter(), Counter(), {})
    for label in _labels(paths, data):
        known = rule.class_of(label)
        if known is not None:
            counts.classes[rule.names[known]] += 1
            counts.known[shortened_label(label)] += 1
        elif key := shortened_label(label):
            new = key not in counts.others and len(counts.others) >= MOST_CLASSES
            counts.others[OTHER_LABELS if new else key] += 1
            counts.written.setdefault(key, str(label).strip())
    return counts


def learned_classes(
    data: DataSettings,
    paths: Sequence[str] | None = None,
    *,
    beside: tuple[DataSettings, Sequence[str]] | None = None,
) -> LearnedClasses:
    """The classes of a source whose settings leave their names to its files.

    Args:
      data: the settings; the source `spans` must be replaced by its pattern.
      paths: the files; those of the source if None.
      beside: further files, and the settings with the names of their columns.

    Raises:
      InputError: a file cannot be read, or the labels are fewer than two, or too many to be classes.
    """
    counts: Counter[str] = Counter()
    written: dict[str, Counter[str]] = {}
    own = _labels(source_paths(data) if paths is None else paths, data, must_be_readable=True)
    others = _labels(beside[1], beside[0]) if beside else ()
    for label in itertools.chain(own, others):
        spelled = spelling(label)
        if spelled is None or is_missing(label):
            continue
        counts[spelled] += 1
        written.setdefault(spelled, Counter())[_written(label)] += 1
        if len(counts) > MOST_CLASSES:
            raise InputError(
                f"{LEARNED_SETTING}: the column {data.label_column!r} has more than {MOST_CLASSES} different "
                f"values, such as {', '.join(map(repr, list(counts)[:3]))}, too many to be classes. Name the "
                "column of the labels with data.label_column, or the classes with data.classes = [...]."
            )
    if len(counts) < 2:
        found = f"the only label is {next(iter(counts))!r}" if counts else "there is no label"
        raise InputError(
            f"{LEARNED_SETTING}: {found} in {data.source}, and a classifier needs two classes or more. Name "
            "the column of the labels with data.label_column, or add rows of another class."
        )
    by_name = {written[spelled].most_common(1)[0][0]: count for spelled, count in counts.items()}
    names = tuple(in_order(by_name))
    return LearnedClasses(names, tuple(by_name[name] for name in names))


def source_paths(data: DataSettings) -> list[str]:
    """The files of a source of files or spans, as a run would read them.

    Raises:
      InputError: no file matches, or no selected span exists.
    """
    if not data.pattern or data.with_base:
        what = "the packaged reviews (data.with_base)" if data.with_base else data.source
        raise InputError(
            f"{LEARNED_SETTING} learns from files and spans alone; {what} cannot tell. Name the classes in "
            "data.classes, or unset it."
        )
    if data.has_spans:
        return [path for span in spans.chosen(data) for path in span.paths]
    return list(file_lookup.matching_paths(data.pattern))


def _labels(paths: Iterable[str], data: DataSettings, *, must_be_readable: bool = False) -> Iterator[object]:
    columns = data.label_columns
    for path in paths:
        try:
            for record in FilePart(path, columns, data.dialect).records():
                if isinstance(record, Record):
                    yield record.fields.get(data.label_column)
        except InputError:
            if must_be_readable:
                raise


def _written(label: object) -> str:
    """A label as a name: as in the file, but whole numbers without decimals, and no invisible characters."""
    shown = str(label).strip()
    spelled = spelling(label) or shown
    if spelled.lstrip("-").isdecimal():
        return spelled
    return "".join(char for char in shown if char.isprintable()).strip() or spelled
