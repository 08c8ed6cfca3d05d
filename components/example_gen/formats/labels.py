"""Labels: the spellings of the two classes, and advice where a file has other values."""

import re
from collections.abc import Mapping
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
_NUMBER = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?")
_MISSING = frozenset({"", "nan", "null", "n/a", "#n/a", "<na>"})
"""How programs write that there is no value."""
_AROUND = " \t\r\n\v\f\u00a0\u200b\ufeff"
MOST_VALUES_SHOWN = 12


@dataclass(frozen=True)
class LabelRule:
    """Which class a label means: the accepted spellings, or those of `data.labels`.

    The names of the classes mean themselves also beside `data.labels`, unless it says otherwise: so are the
    labels of spans written that `greenlight data add` has mapped.
    """

    given: tuple[tuple[str, ClassName], ...] = ()
    """Each label of `data.labels` and its class; empty for the accepted spellings."""

    def class_of(self, value: object) -> int | None:
        """0 or 1; None for a value that means neither.

        >>> LabelRule().class_of(" Positive"), LabelRule().class_of("0.0"), LabelRule().class_of("good")
        (1, 0, None)
        """
        known = spelling(value)
        return None if known is None else self._classes.get(known)

    @property
    def expected(self) -> str:
        """What a message says is accepted."""
        return ", ".join(label for label, _ in self.given) if self.given else ACCEPTED_LABELS

    @cached_property
    def _classes(self) -> Mapping[str, int]:
        if not self.given:
            return _DEFAULT
        given = {spelling(label) or label: CLASS_NAMES.index(name) for label, name in self.given}
        return {name: index for index, name in enumerate(CLASS_NAMES)} | given


ACCEPTED = LabelRule()


def spelling(value: object) -> str | None:
    """The form in which labels are compared; None for what cannot be a label, such as a list or NaN.

    >>> spelling(" 1.0 "), spelling(True), spelling("NEG"), spelling(2.5)
    ('1', 'true', 'neg', '2.5')
    >>> spelling("1,0"), spelling("1,000")
    ('1', '1000')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        value = str(value)
        if value in ("nan", "inf", "-inf"):
            return None
    if not isinstance(value, str):
        return None
    text = without_thousands(value.strip(_AROUND).casefold())
    number = _WHOLE_NUMBER.fullmatch(text)
    if number is None:
        return text
    sign = "-" if number[1] == "-" and number[2] != "0" else ""
    return sign + number[2]


def is_missing(value: object) -> bool:
    """Whether a label says that there is none: nothing, blanks, NaN, or a program's word for it.

    >>> is_missing(" "), is_missing(float("nan")), is_missing("NaN"), is_missing("0"), is_missing([])
    (True, True, True, False, False)
    """
    if value is None or value != value:
        return True
    return isinstance(value, str) and spelling(value) in _MISSING


def looks_like_scale(
    classes: Mapping[str, int], others: Mapping[str, int], *, least_share: float = 0.001
) -> bool:
    """Whether labels that are neither class are further steps of a scale, and not slips of the pen.

    Then a 1 beside them does not mean positive, whatever share of bad rows is tolerated.

    Args:
      classes: rows by the name of the class that their label was taken for.
      others: rows by the spelling of their label, of those that mean neither class.
      least_share: of the rows, those that such a label has to have, and two of them at least.
    """
    rows = sum(classes.values()) + sum(others.values())
    return any(
        count >= max(2, rows * least_share) and is_step(_meant(label)) for label, count in others.items()
    )


def advice(classes: Mapping[str, int], others: Mapping[str, int]) -> str:
    """What the labels are, and the mapping that would use them; arguments as in `looks_like_scale`."""
    counts = _all_counts(classes, others)
    shown = ", ".join(f"{label} ({count:,})" for label, count in list(counts.items())[:MOST_VALUES_SHOWN])
    more = f", and {len(counts) - MOST_VALUES_SHOWN:,} more" if len(counts) > MOST_VALUES_SHOWN else ""
    what = "These look like a scale" if looks_like_scale(classes, others) else "The labels are"
    mapping, sure = _suggested(list(counts))
    written = ", ".join(f'"{label}" = "{name}"' for label, name in mapping.items())
    doubt = "" if sure else ", or the other way round"
    return (
        f"{what}: {shown}{more}. Say which of them are negative and which positive, for example "
        f"data.labels = {{{written}}}{doubt}; rows with other labels are then left out and counted."
    )


def _all_counts(classes: Mapping[str, int], others: Mapping[str, int]) -> dict[str, int]:
    """Rows by label; numbers in their order, then words by how often they come."""
    numeric = any(_NUMBER.fullmatch(label) for label in others)
    names = {"negative": "0", "positive": "1"} if numeric else {}
    counts = {names.get(name, name): count for name, count in classes.items() if count} | dict(others)
    return dict(sorted(counts.items(), key=_order))


def _order(item: tuple[str, int]) -> tuple[bool, float, int, str]:
    label, count = item
    number = rating(_meant(label))
    return number is None, number or 0.0, -count, label


def _meant(label: str) -> str:
    """The label as it stands in the file: counted are labels with all but ASCII escaped, and cut."""
    return label.encode("ascii", "backslashreplace").decode("unicode_escape", "ignore")


def _suggested(labels: list[str]) -> tuple[dict[str, ClassName], bool]:
    """A mapping to start from, and whether the labels themselves say which class they mean.

    Numbers below the middle of their range are negative and those above it positive, the middle is neither.
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
    return {"A": "negative", "B": "positive"}, True


def _by_class(item: tuple[str, ClassName]) -> tuple[str, str]:
    word, name = item
    return name, word
