"""The account of reading a source: used rows, bad rows by reason, and the limits on them."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from components.errors import DataStopped, InputError
from components.example_gen.formats.labels import (
    CLASS_NAMES,
    MOST_CLASSES,
    found_labels,
    looks_like_scale,
    remedy,
)
from components.example_gen.formats.rows import BadRow, Reason, Review, shortened, shortened_label
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


def require_usable(
    reading: Reading,
    *,
    max_bad_share: float,
    whole: bool = True,
    names: tuple[str, ...] = CLASS_NAMES,
    census: Callable[[], LabelCounts] | None = None,
) -> None:
    """Checks whether a run can use what was read.

    Args:
      reading: the account of what was read.
      max_bad_share: the share of rows that may be unusable.
      whole: whether these are all rows; else the message says that they are the first ones.
      names: the names of the classes.
      census: counts the labels of all rows for the advice, where `reading` is of the first rows only.

    Raises:
      InputError: a part could not be read completely, there was no row, or a slice column has more than
        MOST_SLICE_VALUES values.
      DataStopped: more than `max_bad_share` of the rows, or all of them, cannot be used; or the labels are
        those of a scale, so that none of them can be trusted.
    """
    if reading.failures:
        more = len(reading.failures) - BAD_ROWS_NAMED
        shown = reading.failures[:BAD_ROWS_NAMED] + ([f"... and {more} more files"] if more > 0 else [])
        raise InputError("\n".join(shown))
    if not reading.rows:
        raise InputError("data.source: it contains no rows.")
    _require_few_slices(reading)
    require_no_scale(reading, names=names)
    if reading.bad_rows > max_bad_share * reading.rows or not reading.taken:
        raise DataStopped(_too_many(reading, max_bad_share, whole, names, census), account=reading.account())


def _require_few_slices(reading: Reading) -> None:
    for column, counts in sorted(reading.slices.items()):
        if len(counts) > MOST_SLICE_VALUES:
            some = ", ".join(shortened(value) for value in sorted(counts)[:3])
            raise InputError(
                f"data.slice_columns: the column {column!r} has more than {MOST_SLICE_VALUES} different "
                f"values, such as {some}; each would be judged on its own. Leave the column out, or group "
                "its values in the files."
            )


def require_no_scale(
    reading: Reading,
    *,
    least_share: float = 0.001,
    whole: bool = True,
    names: tuple[str, ...] = CLASS_NAMES,
) -> None:
    """Raises DataStopped if the labels read so far are those of a scale; see `looks_like_scale`.

    whole: whether these are all rows; else the message says that they are the first ones.
    """
    if looks_like_scale(reading.classes, reading.bad_labels, least_share=least_share):
        named = [f"  {row}" for row in reading.first_bad if row.reason is Reason.BAD_LABEL]
        where = "" if whole else f" of the first {reading.rows:,} rows"
        count = "two" if len(names) == 2 else f"the {len(names)}"
        labels = reading.classes, reading.bad_labels, names
        lines = [
            f"The labels{where} are not those of {count} classes. {found_labels(*labels)}"
            + (" The first rows of another label:" if named else ""),
            *named,
            remedy(*labels),
        ]
        raise DataStopped("\n".join(lines), account=reading.account())


def _too_many(
    reading: Reading,
    max_bad_share: float,
    whole: bool,
    names: tuple[str, ...],
    census: Callable[[], LabelCounts] | None,
) -> str:
    left_out = reading.bad_rows + (0 if reading.taken else reading.unmapped.total())
    reasons = Counter(reading.bad)
    if left_out > reading.bad_rows:
        reasons[Reason.UNMAPPED_LABEL] = reading.unmapped.total()
    counts = ", ".join(f"{count:,} {reason}" for reason, count in reasons.most_common())
    bound = f"; data.max_bad_share allows {max_bad_share:.2%}" if max_bad_share < 1 else ""
    of = "of" if whole else "of the first"
    what = f"{left_out:,} {of} {reading.rows:,} rows cannot be used ({counts}){bound}."
    most = reasons.most_common(1)[0][0]
    if most in (Reason.BAD_LABEL, Reason.UNMAPPED_LABEL):
        labels, mend = _about_labels(reading, names, census)
        what += f" {labels}"
    else:
        mend = _remedy(reading, most, names)
    first = reading.first_bad or reading.first_unmapped
    return "\n".join([f"{what} The first ones:", *(f"  {row}" for row in first), mend])


def _about_labels(
    reading: Reading, names: tuple[str, ...], census: Callable[[], LabelCounts] | None
) -> tuple[str, str]:
    """Which labels there are, and how to use them. Leaving out more rows would not mend labels."""
    if census is None:
        labels = reading.classes, reading.bad_labels + reading.unmapped, names
        return found_labels(*labels), remedy(*labels)
    counted = census()
    labels = counted.known if names == CLASS_NAMES else counted.classes, counted.others, names
    return found_labels(*labels), remedy(*labels, written=counted.written)


_QUOTES_REMEDY = (
    'Where quotes in the file are plain characters, set data.quoting = "none"; where they are written '
    '\\", set data.escape = "\\\\".'
)
_ENCODING_REMEDY = (
    "Save the file as UTF-8, from the encoding that it has: iconv -f WINDOWS-1252 -t UTF-8 FILE (for texts "
    "of Western Europe; often WINDOWS-1251 if Cyrillic, GB18030 if Chinese, SHIFT_JIS if Japanese)."
)
_COLUMNS_REMEDY = (
    'Write double quotes around each text that contains the delimiter ("Good, really"), or save the file '
    "with another delimiter, such as tabs."
)
_JSON_REMEDY = (
    'Write an object a row, {"text": ..., "label": ...}; a file of another format needs an ending that '
    "says so, such as .csv."
)
_LIST_REMEDY = "Write one text and one label in each row, without a list around them."
_NO_LABEL_REMEDY = (
    "Write a label in each row: where no label means the other class, write that one ({name}). Leaving these "
    "rows out would leave a single class."
)
_LEAVE_OUT = "Fix them, or raise data.max_bad_share to leave them out."


def _remedy(reading: Reading, most: str, names: tuple[str, ...]) -> str:
    """The remedy for the most frequent reason."""
    if most == Reason.QUOTING:
        return _QUOTES_REMEDY
    if most == Reason.NO_LABEL and len(+reading.classes) == 1:
        other = next((name for name in names if not reading.classes[name]), "")
        return _NO_LABEL_REMEDY.format(name=other)
    if most == Reason.COLUMNS:
        return _COLUMNS_REMEDY
    if most == Reason.LIST:
        return _LIST_REMEDY
    if most == Reason.NOT_UTF8:
        return _ENCODING_REMEDY
    if most == Reason.NOT_JSON and not reading.taken:
        return _JSON_REMEDY
    return _LEAVE_OUT if reading.taken else "Mend them."
