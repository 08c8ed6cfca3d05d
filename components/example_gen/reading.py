"""What came of reading a source: rows taken, rows that could not be used, and whether that is too many."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from components.errors import DataStopped, InputError
from components.example_gen.formats.rows import BadRow, Reason, Review, Rows
from components.reviews import normalize

READING_FILE = "reading.json"
"""In the folder of the examples, beside the splits."""
BAD_ROWS_NAMED = 10


@dataclass
class Reading:
    """The account of one part, or of several merged."""

    taken: int = 0
    set_aside: int = 0
    """Rows whose text stands in a split that is fixed."""
    bad: Counter[str] = field(default_factory=Counter)
    """Bad rows by reason."""
    first_bad: list[BadRow] = field(default_factory=list)
    """The first BAD_ROWS_NAMED bad rows by file and line."""
    failures: list[str] = field(default_factory=list)
    """Messages of parts that could not be read to the end."""
    contents: dict[str, str] = field(default_factory=dict)
    """Of each file the fingerprint of the bytes that were read, by its path."""

    @property
    def bad_rows(self) -> int:
        return self.bad.total()

    @property
    def rows(self) -> int:
        return self.taken + self.set_aside + self.bad_rows

    def add_bad(self, row: BadRow) -> None:
        self.bad[row.reason] += 1
        if len(self.first_bad) < BAD_ROWS_NAMED:
            self.first_bad.append(row)

    def to_json(self) -> str:
        """For the file beside the examples."""
        return json.dumps(
            {
                "rows": self.rows,
                "taken": self.taken,
                "set_aside": self.set_aside,
                "bad": dict(sorted(self.bad.items())),
                "first_bad": [list(row) for row in self.first_bad],
                "failures": self.failures,
                "contents": self.contents,
            },
            indent=1,
        )

    @classmethod
    def from_json(cls, text: str) -> "Reading":
        """What `to_json` wrote."""
        value = json.loads(text)
        return cls(
            taken=value["taken"],
            set_aside=value["set_aside"],
            bad=Counter(value["bad"]),
            first_bad=[
                BadRow(file, line, Reason(reason), detail)
                for file, line, reason, detail in value["first_bad"]
            ],
            failures=value["failures"],
            contents=value.get("contents", {}),
        )


def merged(readings: Iterable[Reading]) -> Reading:
    """One account of all; the order of the readings does not matter."""
    total = Reading()
    for reading in readings:
        total.taken += reading.taken
        total.set_aside += reading.set_aside
        total.bad += reading.bad
        total.first_bad += reading.first_bad
        total.failures += reading.failures
        total.contents |= reading.contents
    total.first_bad = sorted(total.first_bad)[:BAD_ROWS_NAMED]
    total.failures.sort()
    total.contents = dict(sorted(total.contents.items()))
    return total


def usable(rows: Rows, *, name: str, reading: Reading) -> Iterator[tuple[Review, str]]:
    """The reviews that can be used, each with its normalized text; the other rows go on the account.

    Args:
      rows: of the part called `name`.
      reading: where bad rows are counted; the reviews are for the caller to count.
    """
    for row in rows:
        if isinstance(row, BadRow):
            reading.add_bad(row)
            continue
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
        yield row, normalized


def require_usable(reading: Reading, *, max_bad_share: float) -> None:
    """Stops the run unless what was read will do.

    Raises:
      InputError: a part could not be read to the end, or there was not a single row.
      DataStopped: more than `max_bad_share` of the rows cannot be used, or all of them.
    """
    if reading.failures:
        more = len(reading.failures) - BAD_ROWS_NAMED
        shown = reading.failures[:BAD_ROWS_NAMED] + ([f"... and {more} more files"] if more > 0 else [])
        raise InputError("\n".join(shown))
    if not reading.rows:
        raise InputError("data.source: there is not a single row in it.")
    if reading.bad_rows > max_bad_share * reading.rows or not reading.taken:
        raise DataStopped(_too_many(reading, max_bad_share))


def _too_many(reading: Reading, max_bad_share: float) -> str:
    counts = ", ".join(f"{count:,} {reason}" for reason, count in reading.bad.most_common())
    lines = [
        f"{reading.bad_rows:,} of {reading.rows:,} rows cannot be used ({counts}); data.max_bad_share allows "
        f"{max_bad_share:.2%}. The first ones:",
        *(f"  {row}" for row in reading.first_bad),
    ]
    return "\n".join([*lines, "Mend them, or raise data.max_bad_share to leave them out."])
