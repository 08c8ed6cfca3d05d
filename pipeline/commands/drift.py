"""`greenlight drift`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from components.errors import DataStopped, InputError
from pipeline.commands import options

if TYPE_CHECKING:
    from components.drift.findings import DriftReport, Finding
    from pipeline.config import Settings
    from pipeline.drift import DriftInput


@click.command()
@options.workspace
@click.option("--against", metavar="SPAN", help="Compare with this span instead of the training data.")
@click.option(
    "--fail",
    is_flag=True,
    help=f"End with exit code {DataStopped.exit_code} if there is drift; too few examples are not drift.",
)
@options.as_json
@click.argument("what", metavar="[FILE|SPAN]", required=False)
def drift(settings: Settings, what: str | None, against: str | None, fail: bool, as_json: bool) -> int:
    """Compare texts with the live model's training data.

    FILE has texts, labeled or not: CSV, TSV, JSON, Parquet, TFRecord, or TXT with one text per line. SPAN is
    the number of a span. Without either, the logged requests of the server are compared. The result is also
    written as a page to the workspace's reports.
    """
    from pipeline import drift as comparing
    from pipeline.console import run_log
    from pipeline.report import drift_page
    from pipeline.workspace.layout import Workspace
    from serving.machine import scratch

    compared, reference = _input(what), None if against is None else comparing.SpanInput(_span(against))
    comparing.require_inputs(settings, compared, *([] if reference is None else [reference]))
    workspace = Workspace.of(settings)
    workspace.create()
    with (
        scratch.holding_temporary_files("drift"),
        run_log.capture(workspace.drift_report("drift").with_suffix(".log")),
    ):
        report = comparing.compare(settings, compared, against=reference)
    page = drift_page.write(report, model_name=settings.model_name, workspace=workspace)
    click.echo(json.dumps(report.to_json() | {"page": str(page)}) if as_json else _as_text(report, str(page)))
    return DataStopped.exit_code if fail and report.drift else 0


def _input(what: str | None) -> DriftInput:
    from pipeline.drift import FileInput, ServedInput, SpanInput

    if what is None:
        return ServedInput()
    return SpanInput(int(what)) if what.isdecimal() else FileInput(what)


def _span(text: str) -> int:
    if not text.isdecimal():
        raise InputError(f"--against {text!r}: expected the number of a span, such as 3.")
    return int(text)


def _as_text(report: DriftReport, page: str) -> str:
    from pipeline.results.data_account import first_left_out, in_words

    head = report.headline.upper() if report.judged else "TOO FEW EXAMPLES to tell"
    sides = f"{report.what} ({report.examples:,} examples) against {report.reference}"
    lines = [f"{head}  {sides} ({report.reference_examples:,} examples), version {report.version}"]
    rows = [_row(finding) for finding in report.findings]
    widths = [max(len(row[column]) for row in rows) for column in range(4)] if rows else []
    lines += [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)).rstrip()
        for row in rows
    ]
    lines += [f"  note  {note}" for note in report.notes]
    for name, account in (("rows", report.data), (f"rows of {report.reference}", report.reference_data)):
        if account:
            lines.append(f"  {name}  {in_words(account, used='compared', limit='drift.max_examples')}")
            lines += [f"    {row}" for row in first_left_out(account)]
    return "\n".join([*lines, f"  page  {page}"])


def _row(finding: Finding) -> tuple[str, str, str, str, str]:
    if finding.value is None or finding.threshold is None:
        return ("-", finding.title, "", "", finding.figures)
    mark, sign = ("DRIFT", ">") if finding.exceeded else ("ok", "≤")
    return (mark, finding.title, f"{finding.value:.4f}", f"{sign} {finding.threshold:.4f}", finding.figures)
