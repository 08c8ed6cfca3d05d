"""Labels: the spellings of the classes, and advice for other values."""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from components.example_gen.formats.ratings import (
    ClassName,
    is_step,
    mapping_of_words,
    rating,
    without_thousands,
)

CLASS_NAMES = ("negative", "positive")
ACCEPTED_LABELS = "0 or 1, neg or pos, negative or positive, false or true"

_DEFAULT = {"0": 0, "neg": 0, "negative": 0, "false": 0, "1": 1, "pos": 1, "positive": 1, "true": 1}
_WHOLE_NUMBER = re.compile(r"([+-]?)0*([0-9]+)(?:[.,]0*)?")
_EXPONENTIAL = re.compile(r"[+-]?[0-9](?:\.[0-9]{0,20})?e[+-]?[0-9]{1,2}")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?")
_MISSING = frozenset({"", "nan", "null", "n/a", "#n/a", "<na>"})
"""Common spellings of a missing value."""
MOST_CLASSES = 50
"""More distinct labels than this are not suggested as classes."""
_AROUND = " \t\r\n\v\f\u00a0\u200b\ufeff"
MOST_VALUES_SHOWN = 12
_ONLY_TWO: dict[str, ClassName] = {"0": "negative", "1": "positive"}
_MANY_TIMES = 10
"""Each class has more than this many times the rows of other labels, if those may be errors."""
LEARNED = "auto"
"""The value of `data.classes` that takes the labels of the files as names."""
LEARNED_SETTING = f'data.classes = "{LEARNED}"'


@dataclass(frozen=True)
class LabelRule:
    """The mapping of labels to classes: the accepted spellings, or `data.labels`.

    The names of the classes are also accepted with `data.labels`, unless it maps them: `greenlight data add`
    writes mapped labels that way.
    """

    given: tuple[tuple[str, str], ...] = ()
    """The labels of `data.labels` with their classes; empty for the accepted spellings."""
    names: tuple[str, ...] = CLASS_NAMES
    """The names of the classes (`data.classes`); of two, the positive one is the last."""

    def class_of(self, value: object) -> int | None:
        """The class of a label, an index into `names`; None for other values.

        >>> LabelRule().class_of(" Positive"), LabelRule().class_of("0.0"), LabelRule().class_of("good")
        (1, 0, None)
        """
        known = spelling(value)
        return None if known is None else self._classes.get(known)

    @property
    def expected(self) -> str:
        """The accepted labels, for messages."""
        if self.given:
            return ", ".join(label for label, _ in self.given)
        if self.names == CLASS_NAMES:
            return ACCEPTED_LABELS
        last = len(self.names) - 1
        numbers = "" if self._numbered_by_name else (", 0 or 1" if last == 1 else f", 0 to {last}")
        return " or ".join(self.names) + numbers

    @cached_property
    def _classes(self) -> Mapping[str, int]:
        if not self.given and self.names == CLASS_NAMES:
            return _DEFAULT
        own = {spelling(name) or name: index for index, name in enumerate(self.names)}
        if not self.given:
            numbers = () if self._numbered_by_name else range(len(self.names))
            return {str(index): index for index in numbers} | own
        given = {spelling(label) or label: self.names.index(name) for label, name in self.given}
        return own | given

    @property
    def _numbered_by_name(self) -> bool:
        """Whether a name looks like the number of a class, so that numbers mean names alone."""
        return any((spelling(name) or "").isdecimal() for name in self.names)


ACCEPTED = LabelRule()


def spelling(value: object) -> str | None:
    """The normal form of a label; None for values that cannot be labels, such as a list or NaN.

    >>> spelling(" 1.0 "), spelling(True), spelling("NEG"), spelling(2.5)
    ('1', 'true', 'neg', '2.5')
    >>> spelling("1,0"), spelling("1,000"), spelling("1.000e+00"), spelling("\uff11")
    ('1', '1000', '1', '1')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        value = str(value)
        if value in ("nan", "inf", "-inf"):
            return None
    if not isinstance(value, str):
        return None
    # One character or a letter with a combining accent look the same; full-width digits are digits.
    text = without_thousands(unicodedata.normalize("NFKC", value.strip(_AROUND).casefold()))
    if _EXPONENTIAL.fullmatch(text):
        text = repr(float(text))
    number = _WHOLE_NUMBER.fullmatch(text)
    if number is None:
        return text
    sign = "-" if number[1] == "-" and number[2] != "0" else ""
    return sign + number[2]


def is_missing(value: object) -> bool:
    """Whether a label is missing: None, blank, NaN, or a spelling of these.

    >>> is_missing(" "), is_missing(float("nan")), is_missing("NaN"), is_missing("0"), is_missing([])
    (True, True, True, False, False)
    """
    if value is None or value != value:
        return True
    return isinstance(value, str) and spelling(value) in _MISSING


def looks_like_scale(
    classes: Mapping[str, int], others: Mapping[str, int], *, least_share: float = 0.001
) -> bool:
    """Whether labels of neither class are steps of a scale instead of typing errors.

    Beside them, a 1 does not mean positive, whatever share of bad rows is tolerated.

    Args:
      classes: class name -> rows.
      others: spelling -> rows, of labels of neither class.
      least_share: the minimum share of rows with such a label; at least two rows are needed.
    """
    rows = sum(classes.values()) + sum(others.values())
    return any(
        count >= max(2, rows * least_share) and is_step(_meant(label)) for label, count in others.items()
    )


def found_labels(
    classes: Mapping[str, int], others: Mapping[str, int], names: tuple[str, ...] = CLASS_NAMES
) -> str:
    """A sentence with the labels and their rows; arguments as in `looks_like_scale`.

    names: the names of the classes (`data.classes`).
    """
    if not any(classes.values()) and not others:
        return "None of the labels is a text or a number."
    if names != CLASS_NAMES:
        counts = {name: count for name, count in classes.items() if count} | dict(others)
        return f"The labels are: {_shown(dict(sorted(counts.items(), key=_order)))}."
    what = "These look like a scale" if looks_like_scale(classes, others) else "The labels are"
    return f"{what}: {_shown(_all_counts(classes, others))}."


def remedy(
    classes: Mapping[str, int],
    others: Mapping[str, int],
    names: tuple[str, ...] = CLASS_NAMES,
    *,
    written: Mapping[str, str] | None = None,
) -> str:
    """The setting that uses such labels; arguments as in `found_labels`.

    Args:
      written: spelling -> a label as the files have it, for the names that are suggested.
    """
    if not any(classes.values()) and not others:
        return "Write one text or one number as the label of each row."
    if names != CLASS_NAMES:
        return _remedy_for(names)
    counts = _all_counts(classes, others)
    numbers = sum(rating(_meant(label)) is not None for label in counts)
    if numbers > MOST_VALUES_SHOWN and numbers * 2 > len(counts):
        return (
            "These are too many numbers to be classes: say which of them are negative and which positive by "
            "a limit of your own, and write 0 or 1 as the label of each row."
        )
    mapping, sure = _suggested(list(counts))
    own = _as_classes(counts, written or {})
    if not sure and own:
        if len(own) == 2:
            return (
                "If these are the names of your two classes, the positive one last: set "
                f"{_classes_line(own)}, or the other way round."
            )
        return (
            f"If each is a class of its own, set {_classes_line(own)}; {LEARNED_SETTING} takes whatever "
            "labels the files have."
        )
    mapped = ", ".join(f'"{_readable(label)}" = "{name}"' for label, name in mapping.items())
    doubt = "" if sure else ", or the other way round"
    each = f" If each is a class of its own instead, set {_classes_line(own)}." if len(own) > 2 else ""
    return (
        "Say which of them are negative and which positive, for example "
        f"data.labels = {{{mapped}}}{doubt}; rows with other labels are then left out and counted.{each}"
        + ("" if mapping == _ONLY_TWO else _left_out(classes, others, counts))
    )


def _left_out(classes: Mapping[str, int], others: Mapping[str, int], counts: Mapping[str, int]) -> str:
    """Advice where 0 and 1 may mean the two classes after all: the others are few, or -1 alone."""
    few = min(classes.get(name, 0) for name in CLASS_NAMES) > _MANY_TIMES * sum(others.values())
    if not _ONLY_TWO.keys() <= counts.keys() or not (few or set(others) == {"-1"}):
        return ""
    what = ", ".join(others)
    return (
        f" If {what} is an error, or means that there is no label, leave it out: "
        'data.labels = {"0" = "negative", "1" = "positive"}.'
    )


def _as_classes(counts: Mapping[str, int], written: Mapping[str, str]) -> list[str]:
    """The labels as names of classes, in order; empty if they cannot be or are too many to be."""
    names = [written.get(label, _meant(label)) for label in counts]
    if not 2 <= len(names) <= MOST_CLASSES or not all(name and name.isprintable() for name in names):
        return []
    return in_order(names)


def in_order(names: Iterable[str]) -> list[str]:
    """The names of classes in the order that they get without one of the user's: numbers, then words.

    >>> in_order(["10", "b", "9", "a"])
    ['9', '10', 'a', 'b']
    """

    def key(name: str) -> tuple[bool, float, str, str]:
        number = rating(name.casefold())
        return number is None, number or 0.0, name.casefold(), name

    return sorted(names, key=key)


def _classes_line(names: Sequence[str]) -> str:
    """The setting as a line of TOML, and where it belongs."""
    given = json.dumps(list(names), ensure_ascii=False)
    return f"data.classes = {given} in greenlight.toml (under [data]: classes = ...)"


def _remedy_for(names: tuple[str, ...]) -> str:
    """The remedy where the classes have names of the user's."""
    mapping = ", ".join(
        f"{quoted} = {quoted}" for quoted in (json.dumps(name, ensure_ascii=False) for name in names)
    )
    listed = f"{', '.join(names[:-1])} and {names[-1]}"
    return (
        f"The classes are {listed} (data.classes). Add what is missing there, correct the other labels, or "
        f"leave their rows out and count them: data.labels = {{{mapping}}} in greenlight.toml (under [data]: "
        "labels = ...)."
    )


def _shown(counts: Mapping[str, int]) -> str:
    shown = ", ".join(
        f"{_readable(label)} ({count:,})" for label, count in list(counts.items())[:MOST_VALUES_SHOWN]
    )
    more = f", and {len(counts) - MOST_VALUES_SHOWN:,} more" if len(counts) > MOST_VALUES_SHOWN else ""
    return shown + more


def _all_counts(classes: Mapping[str, int], others: Mapping[str, int]) -> dict[str, int]:
    """Label -> rows: numbers in order, then words by frequency."""
    numeric = any(_NUMBER.fullmatch(label) for label in others)
    names = {"negative": "0", "positive": "1"} if numeric else {}
    counts = {names.get(name, name): count for name, count in classes.items() if count} | dict(others)
    return dict(sorted(counts.items(), key=_order))


def _order(item: tuple[str, int]) -> tuple[bool, float, int, str]:
    label, count = item
    number = rating(_meant(label))
    return number is None, number or 0.0, -count, label


def _meant(label: str) -> str:
    """The label as in the file; counted labels are escaped to ASCII and cut."""
    return label.encode("ascii", "backslashreplace").decode("unicode_escape", "ignore")


def _readable(label: str) -> str:
    """The label as in the file, if a terminal can show it."""
    meant = _meant(label)
    return meant if meant.isprintable() else label


def _suggested(labels: list[str]) -> tuple[dict[str, ClassName], bool]:
    """A suggested mapping, and whether the meaning of the labels is certain.

    Numbers below the middle of their range are negative, those above it positive, and the middle neither.
    """
    numbers = {label: value for label in labels if (value := rating(_meant(label))) is not None}
    if 2 <= len(numbers) <= MOST_VALUES_SHOWN and len(set(numbers.values())) > 1:
        middle = (min(numbers.values()) + max(numbers.values())) / 2
        lower: dict[str, ClassName] = {label: "negative" for label in numbers if numbers[label] < middle}
        upper: dict[str, ClassName] = {label: "positive" for label in numbers if numbers[label] > middle}
        return lower | upper, True
    meant = {_meant(label): label for label in labels}
    if words := mapping_of_words(meant):
        return {meant[word]: name for word, name in sorted(words.items(), key=_by_class)}, True
    if len(labels) == 2:
        first, second = sorted(labels)
        return {first: "negative", second: "positive"}, False
    return {"A": "negative", "B": "positive"}, len(labels) > MOST_CLASSES


def _by_class(item: tuple[str, ClassName]) -> tuple[str, str]:
    word, name = item
    return name, word


def require_one_class(labels: Mapping[str, str]) -> None:
    """Raises ValueError if two spellings of one label have different classes."""
    spelled: dict[str | None, str] = {}
    for label in labels:
        other = spelled.setdefault(spelling(label), label)
        if labels[other] != labels[label]:
            raise ValueError(f"{other!r} and {label!r} are the same label; give it one class")
