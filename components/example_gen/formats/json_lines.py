"""Records out of JSON Lines: one object a line."""

import json
from collections.abc import Iterable

from components.example_gen.formats.delimited import DATA_COLUMNS, require_columns
from components.example_gen.formats.rows import BadRow, Reason, Record, Records, shortened


def json_records(
    lines: Iterable[bytes], *, file: str, needed: set[str], remedy: str = DATA_COLUMNS
) -> Records:
    """The objects of a file, one a line; empty lines are passed over.

    Raises:
      InputError: after the last line, if a needed key stood in no object at all; it ends with `remedy`.
    """
    keys: dict[str, None] = {}
    for line, raw in enumerate(lines, start=1):
        if not raw.strip():
            continue
        try:
            value = json.loads(raw.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            yield BadRow(file, line, Reason.NOT_UTF8, f"byte {error.start + 1} of the line")
            continue
        except (ValueError, RecursionError) as error:
            yield BadRow(file, line, Reason.NOT_JSON, _objection(error))
            continue
        if not isinstance(value, dict):
            yield BadRow(file, line, Reason.NOT_JSON, shortened(value))
            continue
        keys.update(dict.fromkeys(value))
        yield Record(line, value)
    if keys:
        require_columns(needed, present=keys, file=file, remedy=remedy)


def _objection(error: ValueError | RecursionError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return error.msg
    # json leaves numbers to int(), which refuses those of thousands of digits.
    return "nested too deeply" if isinstance(error, RecursionError) else "a number of too many digits"
