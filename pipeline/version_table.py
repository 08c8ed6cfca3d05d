"""The table of a store's versions: rich on a terminal, aligned text elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from serving.store.records import Version

HEADERS = ("version", "state", "pushed (UTC)", "accuracy", "remarks")
_STYLES = {"live": "bold green", "rolled-back": "red", "set-aside": "red", "incomplete": "yellow"}


def show_versions(versions: Sequence[Version]) -> None:
    """Print one line a version, largest number first."""
    if sys.stdout.isatty():
        _show_rich(versions)
        return
    rows = [HEADERS, *map(row, versions)]
    widths = [max(len(cells[column]) for cells in rows) for column in range(len(HEADERS))]
    for cells in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())


def row(version: Version) -> tuple[str, ...]:
    """A version's cells under HEADERS."""
    accuracy = version.metrics.get("accuracy")
    created = (version.created or "")[:19].replace("T", " ")
    return (
        str(version.number),
        version.state,
        created or "–",
        "–" if accuracy is None else f"{accuracy:.4f}",
        "; ".join(_remarks(version)),
    )


def _remarks(version: Version) -> list[str]:
    remarks = [f"DAMAGED: {problem.file} {problem.what}" for problem in version.problems]
    if version.manifest and version.manifest.promoted_from:
        remarks.append(f"promoted from {version.manifest.promoted_from}")
    approval = version.manifest.facts.approval if version.manifest else None
    if approval:
        remarks.append(f"approved by {approval.get('by')}: {approval.get('reason')}")
    if version.why:
        remarks.append(version.why)
    return remarks


def _show_rich(versions: Sequence[Version]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for header in HEADERS:
        table.add_column(header, justify="right" if header in ("version", "accuracy") else "left")
    for version in versions:
        style = "bold red" if version.problems else _STYLES.get(version.state, "")
        table.add_row(*map(escape, row(version)), style=style)
    Console().print(table)
