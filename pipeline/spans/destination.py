"""The path and number of the next span for a pattern."""

from __future__ import annotations

import dataclasses
import fnmatch
import os
import re
from contextlib import suppress
from pathlib import Path

from components.errors import InputError
from components.example_gen.formats.file_format import Format, format_of, is_packed_name
from components.example_gen.sources.spans import find, parse
from components.example_gen.span_pattern import Misfit, SpanKey, SpanPattern

LAST = ".last-span"
"""File with the last number assigned, so that the number of a removed span is not used again."""
FIRST_VERSION = 1
_WILD = re.compile(r"[*?\[]")


@dataclasses.dataclass(frozen=True)
class Destination:
    """A pattern for new spans; its path part `at` is the folder of a span."""

    spans: SpanPattern
    at: int

    @property
    def folder(self) -> str:
        """Where the folders of the spans are."""
        return "/".join(self.spans.text.split("/")[: self.at]) or "/"

    @property
    def folders(self) -> SpanPattern:
        """The pattern of the folders of the spans, whatever is in them."""
        return SpanPattern("/".join(self.spans.text.split("/")[: self.at + 1]))

    def target(self, number: int, name: str) -> tuple[str, str]:
        """The folder of a new span, and the path in it of a file called `name`.

        Raises:
          InputError: the pattern has no room for the number, or would not find the file.
        """
        try:
            parts = self.spans.filled(SpanKey(number, FIRST_VERSION)).split("/")
        except ValueError as error:
            raise InputError(f"{self.spans.text} leaves no room for one more span: {error}.") from None
        if not _WILD.search(parts[-1]) and _kind(parts[-1]) == _kind(name):
            name = parts[-1]
        if not fnmatch.fnmatchcase(name, parts[-1]):
            raise InputError(f"{self.spans.text} would not find {name}. Rename the file, or use --to DIR.")
        return "/".join(parts[: self.at + 1]), "/".join([*parts[self.at + 1 : -1], name])

    def finds(self, name: str) -> bool:
        """Whether a file called `name` can be added here."""
        try:
            self.target(1, name)
        except InputError:
            return False
        return True

    def next_number(self) -> int:
        """One more than the largest number of a span, an empty folder or a removed span."""
        given = [_last_number(self.folder), *(span.number for span in find(self.spans.text))]
        for entry in os.listdir(self.folder):
            with suppress(Misfit):  # `find` has complained if there are examples in it
                key = self.folders.key(os.path.join(self.folder, entry))
                given += [key.number] if key else []
        return max(given) + 1


def destination_of(pattern: str) -> Destination:
    """The destination of new spans that the pattern finds.

    Raises:
      InputError: the pattern finds no new spans, for example because it has no `{SPAN}` in a folder's name.
    """
    if "://" in pattern:
        raise InputError(
            f"{pattern} is not on this machine: copy the file there by other means, under the name of the "
            "next span, and last of all."
        )
    spans = parse(pattern)
    if spans.dated:
        raise InputError(f"{pattern}: spans that are dates are named by who delivers them; use {{SPAN}}.")
    parts = spans.text.split("/")
    at = next(index for index, part in enumerate(parts) if "{SPAN" in part)
    if at == len(parts) - 1:
        raise InputError(
            f"{pattern}: a span is landed as a folder, so {{SPAN}} has to stand in the name of one, for "
            "example data/span-{SPAN}/*.csv."
        )
    if any("{VERSION" in part for part in parts[:at]):
        raise InputError(
            f"{pattern}: a version is one of a span, so {{VERSION}} has to stand after {{SPAN}}."
        )
    if wild := next((part for part in parts[:-1] if _WILD.search(part)), None):
        raise InputError(f"{pattern}: which folder is {wild}? A file can be landed where none is a wildcard.")
    return Destination(spans, at)


def _last_number(folder: str) -> int:
    try:
        return int(Path(folder, LAST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0


def _kind(name: str) -> tuple[Format, bool]:
    return format_of(name), is_packed_name(name)
