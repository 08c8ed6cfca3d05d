"""The verdict with all conditions in a table, as plain text and as Markdown."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from components.evaluator.judgment.wording import slice_words
from pipeline.results.outcome import RunResult
from pipeline.results.summary import check_words, headline, show_number

HEADERS = ("", "condition", "slice", "split", "value", "limit", "by", "confidence interval", "baseline")


def verdict_lines(result: RunResult, *, width: int | None = None) -> str:
    """The verdict, its conditions in a table, and the reasons.

    Args:
      width: of the terminal, in characters; a wider table becomes a paragraph for each condition.
    """
    lines = [f"{result.verdict.upper()}  {headline(result)}", *_approval(result), f"run {result.run}"]
    if result.gate:
        table = _used([HEADERS, *(_row(condition) for condition in result.gate)])
        aligned = _aligned(table)
        if width is not None and max(map(len, aligned)) > width:
            aligned = _paragraphs(table, width=width)
        lines += ["", *aligned]
    if result.reasons:
        lines += ["", *result.reason_lines]
    if result.notes:
        lines += ["", *(f"note: {note}" for note in result.notes)]
    return "\n".join(lines)


def verdict_markdown(result: RunResult) -> str:
    """The same as Markdown, which shows texts as they are, whatever characters they hold."""
    lines = [f"### {result.verdict.upper()}: {_escaped(headline(result))}", ""]
    lines += [f"{_escaped(line)}  " for line in (*_approval(result), f"run {result.run}")]
    if result.gate:
        header, *rows = _used([HEADERS, *(_row(condition) for condition in result.gate)])
        cells = [header, ["---"] * len(header), *([_escaped(cell) for cell in row] for row in rows)]
        lines += ["", *(f"| {' | '.join(row)} |" for row in cells)]
    if result.reasons:
        lines += ["", *map(_reason, result.reasons, result.reason_lines)]
    if result.notes:
        lines += ["", *(f"- note: {_escaped(note)}" for note in result.notes)]
    return "\n".join(lines)


def _reason(reason: str, line: str) -> str:
    """A list item; a line that a message does not list is a paragraph."""
    listed = line.startswith(("- ", " "))
    return f"- {_escaped(reason)}" if listed else f"\n{_escaped(reason)}\n"


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", " ".join(text.split()))


def _approval(result: RunResult) -> list[str]:
    """What a person made of the refusal."""
    approval = result.approval
    if approval is None:
        return []
    return [
        f"APPROVED  by {approval['by']} at {approval['at']}; the model became version {approval['version']}",
        f"reason: {approval['reason']}",
        f"waived: {', '.join(approval['waived'])}",
    ]


def _row(condition: Mapping[str, Any]) -> tuple[str, ...]:
    words = check_words(condition)
    lower, upper = condition.get("lower"), condition.get("upper")
    baseline = condition.get("baseline")
    return (
        words.mark,
        words.name,
        slice_words(str(condition.get("slice") or "overall")),
        str(condition.get("split") or ""),
        words.value,
        words.limit,
        words.margin,
        "" if lower is None or upper is None else f"{show_number(lower)} to {show_number(upper)}",
        "" if baseline is None else show_number(baseline),
    )


def _used(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """The rows without the columns that are empty below their header."""
    used = [column for column in range(len(rows[0])) if any(row[column] for row in rows[1:])]
    return [[row[column] for column in used] for row in rows]


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _paragraphs(rows: Sequence[Sequence[str]], *, width: int) -> list[str]:
    """A line with the mark and the name of each condition, and below it what its other cells say."""
    header, *conditions = rows
    indent = " " * (2 + max(len(row[0]) for row in conditions))
    lines = []
    for mark, name, *cells in conditions:
        said = [(title, cell) for title, cell in zip(header[2:], cells, strict=True) if cell not in ("", "-")]
        # Of a condition that was not judged, the column of the margin has the reason.
        named = [cell if (mark, title) == ("not judged", "by") else f"{title} {cell}" for title, cell in said]
        lines.append(f"{mark.ljust(len(indent))}{name}")
        lines += textwrap.wrap("; ".join(named), width, initial_indent=indent, subsequent_indent=indent)
    return lines
