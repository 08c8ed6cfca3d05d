"""Templates of the report, and their filters for numbers, times and accounts of rows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.results.data_account import first_left_out, in_words

if TYPE_CHECKING:
    import jinja2

TEMPLATES = Path(__file__).parent / "templates"
MINUS = "\N{MINUS SIGN}"


def environment() -> jinja2.Environment:
    """Jinja for the templates: every value is escaped, and an unknown name is an error."""
    import jinja2

    jinja = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    jinja.filters |= {"number": number, "duration": duration}
    jinja.filters |= {"account_words": _account_words, "first_left_out": first_left_out}
    return jinja


def _account_words(account: Mapping[str, Any], limit: str) -> str:
    return in_words(account, limit=limit)


def number(value: float | None, digits: int = 4) -> str:
    """`value` as text: counts with thousands separators, shares with `digits` decimals, a dash for None."""
    if value is None or value != value:
        return "–"
    if isinstance(value, int) or (abs(value) >= 1000 and float(value).is_integer()):
        return f"{int(value):,}".replace("-", MINUS)
    return f"{value:,.{digits}f}".replace("-", MINUS)


def duration(seconds: float) -> str:
    """`seconds` as text: 0.4 s, 12 s, 3 min 5 s."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
