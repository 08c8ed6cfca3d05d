"""The `{SPAN}` and `{VERSION}` specs of file patterns.

The specs are TFX's, with its widths and dates, but are parsed here without TFX. Its functions
(tfx.components.example_gen.utils) find only the newest span, and import TensorFlow, which is too slow for a
process that looks for new spans every few seconds. Tests compare the two implementations.
"""

import datetime
import os
import re
from dataclasses import dataclass
from functools import cached_property

BASE = 0
"""The span number of the packaged reviews, and of every source without spans."""
LARGEST = 2**53 - 1
"""The largest number of a span or version: beyond it JSON and Protobuf's Struct lose digits."""

_EPOCH = datetime.date(1970, 1, 1)
_DATE = ("YYYY", "MM", "DD")
_SPEC = re.compile(r"\{(?:(?P<name>SPAN|VERSION)(?::(?P<width>[^}]*))?|(?P<date>YYYY|MM|DD))\}")
_GLOB = re.compile(r"\*\*|\*|\?|\[[^\]/]+\]")
_GLOB_AS_REGEX = {"**": ".*", "*": "[^/]*", "?": "[^/]"}


class Misfit(ValueError):
    """A path that looks like that of a span, but has an invalid number."""


@dataclass(frozen=True, order=True)
class SpanKey:
    """The numbers of a span and its version; -1 if the pattern has no version."""

    number: int
    version: int = -1


@dataclass(frozen=True)
class SpanPattern:
    """A pattern with `{SPAN}` or `{SPAN:WIDTH}`, and optionally `{VERSION}` or `{VERSION:WIDTH}`.

    `{SPAN}` may be replaced by `{YYYY}`, `{MM}` and `{DD}`: the number is then the days since 1970.

    Raises:
      ValueError: TFX would reject it; the message says why, without naming the pattern.
    """

    text: str

    def __post_init__(self) -> None:
        names = [match["name"] or match["date"] for match in _SPEC.finditer(self.text)]
        for name in sorted(set(names)):
            if names.count(name) > 1:
                raise ValueError(f"{{{name}}} stands in it {names.count(name)} times, not once")
        dates = [name for name in names if name in _DATE]
        if dates and len(dates) < len(_DATE):
            raise ValueError("a date needs all three of {YYYY}, {MM} and {DD}")
        if dates and "SPAN" in names:
            raise ValueError("either {SPAN} or a date can say the span, not both")
        if not dates and "SPAN" not in names:
            raise ValueError("{VERSION} is of a span: {SPAN} is missing")
        for match in _SPEC.finditer(self.text):
            width = match["width"]
            if width is not None and not re.fullmatch("0*[1-9][0-9]?", width):
                raise ValueError(f"the width in {match[0]} has to be a whole number from 1 to 99")

    @property
    def dated(self) -> bool:
        return "{YYYY}" in self.text

    @property
    def versioned(self) -> bool:
        return "{VERSION" in self.text

    @property
    def glob(self) -> str:
        """A glob that matches the files of all spans, and possibly others."""
        return _SPEC.sub("*", self.text)

    def key(self, path: str) -> SpanKey | None:
        """The span of a path that matches `glob`; None if its name is not that of a span.

        Raises:
          Misfit: the number has another width, is too large or 0, or is not a date.
        """
        found = self._regex.fullmatch(path)
        if found is None:
            if self._loose_regex.fullmatch(path):
                raise Misfit(f"its number does not have the width that {self.text} asks for")
            return None
        number = self._number(found)
        version = int(found["VERSION"]) if self.versioned else -1
        if number < 1:
            raise Misfit("spans are numbered from 1; 0 means the packaged reviews")
        if max(number, version) > LARGEST:
            raise Misfit(f"its number is larger than {LARGEST:,}")
        return SpanKey(number, version)

    def tokens(self, path: str) -> tuple[str, ...]:
        """The strings in `path` at the specs, as written: `01` is not `1`."""
        found = self._regex.fullmatch(path)
        return found.groups() if found else ()

    def filled(self, key: SpanKey) -> str:
        """The pattern of the files of one span.

        Raises:
          ValueError: the number has more digits than the width.
        """

        def value(match: re.Match[str]) -> str:
            if match["date"]:
                day = _EPOCH + datetime.timedelta(key.number)
                return day.strftime({"YYYY": "%Y", "MM": "%m", "DD": "%d"}[match["date"]]).zfill(2)
            digits = str(key.number if match["name"] == "SPAN" else key.version)
            width = int(match["width"] or 0)
            if width and len(digits) > width:
                raise ValueError(f"{digits} has more digits than {match[0]} leaves room for")
            return digits.zfill(width)

        return _SPEC.sub(value, self.text)

    def _number(self, found: re.Match[str]) -> int:
        if not self.dated:
            return int(found["SPAN"])
        try:
            return (datetime.date(*(int(found[name]) for name in _DATE)) - _EPOCH).days
        except ValueError:
            raise Misfit(f"{'-'.join(found[name] for name in _DATE)} is not a date") from None

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        return re.compile(self._as_regex(strict=True), re.DOTALL)

    @cached_property
    def _loose_regex(self) -> re.Pattern[str]:
        return re.compile(self._as_regex(strict=False), re.DOTALL)

    def _as_regex(self, *, strict: bool) -> str:
        """A greedy regular expression, like TFX's; `strict` enforces the widths."""
        parts, end = [], 0
        for match in _SPEC.finditer(self.text):
            parts.append(_glob_as_regex(self.text[end : match.start()]))
            name, width = match["name"] or match["date"], match["width"]
            if match["date"]:
                width = str(len(name))
            parts.append(f"(?P<{name}>[0-9]{f'{{{int(width)}}}' if width and strict else '+'})")
            end = match.end()
        return "".join([*parts, _glob_as_regex(self.text[end:])])


def has_specs(pattern: str) -> bool:
    """Whether a pattern contains span specs, valid or not."""
    return _SPEC.search(pattern) is not None


def absolute(pattern: str) -> str:
    """The absolute form of local patterns; `gs://...` and others unchanged."""
    return pattern if "://" in pattern else os.path.abspath(os.path.expanduser(pattern))


def _glob_as_regex(glob: str) -> str:
    parts, end = [], 0
    for match in _GLOB.finditer(glob):
        parts.append(re.escape(glob[end : match.start()]))
        wild = match[0]
        parts.append(_GLOB_AS_REGEX.get(wild) or wild.replace("[!", "[^").replace("\\", "\\\\"))
        end = match.end()
    return "".join([*parts, re.escape(glob[end:])])
