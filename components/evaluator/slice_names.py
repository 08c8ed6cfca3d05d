"""The names of slices by span: `span:12`, and `span:!12` for everything but span 12. Light imports only."""

from components.example_gen.span_pattern import BASE
from components.reviews import SPAN

_NOT = "!"
_FORMERLY_NOT = "not "
"""In verdicts of an older Greenlight."""


def of_span(span: int) -> str:
    """The name of the slice of a span."""
    return f"{SPAN}:{span}"


def all_but(span: int) -> str:
    """The name of the slice without a span."""
    return f"{SPAN}:{_NOT}{span}"


def names_of_all_but(span: int) -> tuple[str, str]:
    """The names in verdicts of the slice without a span: the current one, and the former one."""
    return all_but(span), f"{SPAN}:{_FORMERLY_NOT}{span}"


def excluded_span(value: str) -> str | None:
    """The span in the part of a name after the colon if it excludes one: "12" for "!12"; else None."""
    for sign in (_NOT, _FORMERLY_NOT):
        if value.startswith(sign):
            return value.removeprefix(sign)
    return None


BASE_SLICE = of_span(BASE)
"""The slice of the packaged base set."""
