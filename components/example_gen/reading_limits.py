"""The limits on what was read: too many bad rows, labels of a scale, too many slices; with the remedies."""

from collections import Counter
from collections.abc import Callable

from components.errors import DataStopped, InputError
from components.example_gen.formats.labels import CLASS_NAMES, found_labels, looks_like_scale, remedy
from components.example_gen.formats.rows import Reason, shortened
from components.example_gen.reading import BAD_ROWS_NAMED, MOST_SLICE_VALUES, LabelCounts, Reading


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
