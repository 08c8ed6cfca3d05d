"""The account of reading a source: used rows, and bad rows by reason."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from components.example_gen.formats.labels import CLASS_NAMES, MOST_CLASSES
from components.example_gen.formats.rows import BadRow, Reason, Review, shortened_label
from components.reviews import normalize

T = TypeVar("T")

READING_FILE = "reading.json"
"""The file with the Reading, beside the splits of the examples."""
BAD_ROWS_NAMED = 10
CHANGED = "changed between two readings"
"""In place of a fingerprint."""
OTHER_LABELS = "others"
MOST_SLICE_VALUES = 100
"""More different values of a slice column than this are refused: each is a slice with metrics of its own."""
_LABELS_COUNTED = MOST_CLASSES
"""The number of distinct labels that are counted separately; others count as OTHER_LABELS."""


@dataclass(frozen=True)
class LabelCounts:
    """The labels of all rows of a source, for advice.

    Attributes:
      classes: name of the class -> rows.
      others: spelling -> rows, of labels of no class; at most MOST_CLASSES and OTHER_LABELS.
      written: spelling -> the label as the files have it.
      known: spelling -> rows, of labels of a class; a mapping of labels has to name these.
    """

    classes: Counter[str]
    others: Counter[str]
    written: dict[str, str]
    known: Counter[str] = field(default_factory=Counter)


@dataclass
class Reading:
    """The counts of one part, or of several merged parts."""

    taken: int = 0
    set_aside: int = 0
    """Rows that were excluded because their text is in a fixed split."""
    bad: Counter[str] = field(default_factory=Counter)
    """Bad rows by reason."""
    first_bad: list[BadRow] = field(default_factory=list)
    """The first BAD_ROWS_NAMED bad rows by file and line."""
    duplicates: int = 0
    """Used rows whose text another used row has, too."""
    unmapped: Counter[str] = field(default_factory=Counter)
    """Rows that `data.labels` leaves out, by label; they are not bad."""
    first_unmapped: list[BadRow] = field(default_factory=list)
    """The first BAD_ROWS_NAMED of them."""
    classes: Counter[str] = field(default_factory=Counter)
    """Name of the class -> rows with a usable text and label."""
    bad_labels: Counter[str] = field(default_factory=Counter)
    """Spelling -> rows with an unusable label."""
    slices: dict[str, Counter[str]] = field(default_factory=dict)
    """Column of `data.slice_columns` -> value -> rows; of too many values, some are not counted."""
    limit: int | None = None
    """`data.limit`: the number of rows to use; None uses all."""
    failures: list[str] = field(default_factory=list)
    """Messages of parts that could not be read completely."""
    sameness: Counter[str] = field(default_factory=Counter)
    """Counts of distinct texts, duplicates and near-duplicates, see `duplicates.groups.GroupSplits`."""
    contents: dict[str, str] = field(default_factory=dict)
    """Path -> fingerprint of the bytes that were read, or CHANGED."""

    @property
    def bad_rows(self) -> int:
        return self.bad.total()

    @property
    def rows(self) -> int:
        return self.taken + self.set_aside + self.bad_rows + self.unmapped.total()

    def add_bad(self, row: BadRow) -> None:
        if row.reason is Reason.UNMAPPED_LABEL:
            self._count(self.unmapped, row.label)
            if len(self.first_unmapped) < BAD_ROWS_NAMED:
                self.first_unmapped.append(row)
            return
        if row.reason is Reason.BAD_LABEL and row.label:
            self._count(self.bad_labels, row.label)
        self.bad[row.reason] += 1
        if len(self.first_bad) < BAD_ROWS_NAMED:
            self.first_bad.append(row)

    def add_label(self, label: object, known: int | None, names: tuple[str, ...] = CLASS_NAMES) -> None:
        """Counts the label of a row that can be used without a label, for `require_no_scale`.

        Args:
          label: the label in the row; None if it has none.
          known: its class, an index into `names`; None for none of them.
          names: the names of the classes.
        """
        if known is not None:
            self.classes[names[known]] += 1
        elif spelled := shortened_label(label):
            self._count(self.bad_labels, spelled)

    def add_slices(self, slices: Iterable[tuple[str, str]]) -> None:
        """Counts the values of the slice columns of a usable row."""
        for column, value in slices:
            counts = self.slices.setdefault(column, Counter())
            if value in counts or len(counts) <= MOST_SLICE_VALUES:
                counts[value] += 1

    @staticmethod
    def _count(labels: Counter[str], label: str) -> None:
        labels[label if label in labels or len(labels) < _LABELS_COUNTED else OTHER_LABELS] += 1

    def account(self) -> dict[str, Any]:
        """The account as commands and results show it, in JSON's types.

        {"rows": all, "used": n, "beyond_limit": of `data.limit`, "duplicates": of those used, "set_aside": of
        a text that the base, a newer span or a fixed split has, "left_out": {reason: rows},
        "left_out_labels": {label: rows that `data.labels` leaves out}, the most frequent first,
        "first_left_out": ["file:line: reason (detail)", ...]}
        """
        left_out = dict(sorted(self.bad.items()))
        if self.unmapped:
            left_out[Reason.UNMAPPED_LABEL.value] = self.unmapped.total()
        first = sorted(self.first_bad + self.first_unmapped)[:BAD_ROWS_NAMED]
        used = self.taken if self.limit is None else min(self.taken, self.limit)
        return {
            "rows": self.rows,
            "used": used,
            "beyond_limit": self.taken - used,
            "duplicates": self.duplicates,
            "set_aside": self.set_aside,
            "left_out": left_out,
            "left_out_labels": dict(sorted(self.unmapped.items(), key=lambda item: (-item[1], item[0]))),
            "first_left_out": [str(row) for row in first],
        }

    def to_json(self) -> str:
        """The content of READING_FILE."""
        return json.dumps(
            {
                "rows": self.rows,
                "taken": self.taken,
                "set_aside": self.set_aside,
                "bad": dict(sorted(self.bad.items())),
                "first_bad": _listed(self.first_bad),
                "duplicates": self.duplicates,
                "unmapped": dict(sorted(self.unmapped.items())),
                "first_unmapped": _listed(self.first_unmapped),
                "classes": dict(sorted(self.classes.items())),
                "bad_labels": dict(sorted(self.bad_labels.items())),
                "slices": {column: dict(sorted(counts.items())) for column, counts in self.slices.items()},
                "limit": self.limit,
                "failures": self.failures,
                "sameness": dict(sorted(self.sameness.items())),
                "contents": self.contents,
            },
            indent=1,
        )

    @classmethod
    def from_json(cls, text: str) -> "Reading":
        """The inverse of `to_json`."""
        value = json.loads(text)
        return cls(
            taken=value["taken"],
            set_aside=value["set_aside"],
            bad=Counter(value["bad"]),
            first_bad=_bad_rows(value["first_bad"]),
            duplicates=value.get("duplicates", 0),
            unmapped=Counter(value.get("unmapped", {})),
            first_unmapped=_bad_rows(value.get("first_unmapped", [])),
            classes=Counter(value.get("classes", {})),
            bad_labels=Counter(value.get("bad_labels", {})),
            slices={column: Counter(counts) for column, counts in value.get("slices", {}).items()},
            limit=value.get("limit"),
            failures=value["failures"],
            sameness=Counter(value.get("sameness", {})),
            contents=value.get("contents", {}),
        )


def _listed(rows: Iterable[BadRow]) -> list[list[Any]]:
    return [[row.file, row.line, row.reason, row.detail] for row in rows]


def _bad_rows(listed: Iterable[list[Any]]) -> list[BadRow]:
    return [BadRow(file, line, Reason(reason), detail) for file, line, reason, detail in listed]


def merged(readings: Iterable[Reading]) -> Reading:
    """The merged Reading; independent of the order of the readings."""
    total = Reading()
    for reading in readings:
        total.taken += reading.taken
        total.set_aside += reading.set_aside
        total.bad += reading.bad
        total.first_bad += reading.first_bad
        total.duplicates += reading.duplicates
        total.unmapped += reading.unmapped
        total.first_unmapped += reading.first_unmapped
        total.classes += reading.classes
        total.bad_labels += reading.bad_labels
        for column, counts in reading.slices.items():
            total.slices[column] = total.slices.get(column, Counter()) + counts
        total.failures += reading.failures
        total.sameness += reading.sameness
        for name, fingerprint in reading.contents.items():
            if total.contents.setdefault(name, fingerprint) != fingerprint:
                total.contents[name] = CHANGED
    total.first_bad = sorted(total.first_bad)[:BAD_ROWS_NAMED]
    total.first_unmapped = sorted(total.first_unmapped)[:BAD_ROWS_NAMED]
    total.failures = sorted(set(total.failures))
    total.contents = dict(sorted(total.contents.items()))
    return total


def good(rows: Iterable[T | BadRow], reading: Reading) -> Iterator[T]:
    """The rows that are not bad. Bad rows are counted here; the caller counts the others."""
    for row in rows:
        if isinstance(row, BadRow):
            reading.add_bad(row)
        else:
            yield row


def usable(
    rows: Iterable[Review | BadRow], *, name: str, reading: Reading, names: tuple[str, ...] = CLASS_NAMES
) -> Iterator[tuple[Review, str]]:
    """The usable examples, each with its normalized text.

    Args:
      rows: the rows of the part `name`.
      reading: counts the bad rows; the caller counts the examples.
      names: the names of the classes.
    """
    for row in good(rows, reading):
        normalized = normalize(row.text)
        if not normalized:
            reading.add_bad(BadRow(name, row.line, Reason.EMPTY_TEXT, ""))
            continue
        try:
            row.text.encode()
        except UnicodeEncodeError as error:
            detail = f"character {error.start + 1} of the text"
            reading.add_bad(BadRow(name, row.line, Reason.NOT_UTF8, detail))
            continue
        reading.classes[names[row.label]] += 1
        reading.add_slices(row.slices)
        yield row, normalized
