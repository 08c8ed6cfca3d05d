"""`greenlight data add` and `greenlight data list`."""

from __future__ import annotations

import dataclasses
import datetime
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from components.errors import InputError
from components.example_gen.settings import SPANS
from pipeline.commands import options
from pipeline.commands.group import Group

if TYPE_CHECKING:
    from components.example_gen.settings import DataSettings
    from pipeline.config import Settings
    from pipeline.spans.facts import SpanFacts
    from pipeline.spans.labels import FileLabels
    from pipeline.spans.landing import Landed


_FEWEST_DISTINCT = 0.1
"""The minimum share of distinct texts; a file with fewer gets a note."""


@click.group(cls=Group)
def data() -> None:
    """Add a file of examples as the next span, or list the spans."""


@data.command()
@options.workspace
@click.option(
    "--to",
    "folder",
    metavar="DIR",
    help="Target folder, as DIR/span-N. Default: the pattern of data.source, if it has {SPAN}; else the "
    "workspace's own spans, which `greenlight run --source spans` reads.",
)
@click.option("--text-column", metavar="NAME", help="The file's name of data.text_column.")
@click.option("--label-column", metavar="NAME", help="The file's name of data.label_column.")
@options.as_json
@click.argument("path", metavar="FILE")
def add(
    settings: Settings,
    path: str,
    folder: str | None,
    text_column: str | None,
    label_column: str | None,
    as_json: bool,
) -> None:
    """Check FILE as a run would, and add it as the next span.

    FILE is CSV, TSV, JSON, Parquet or TFRecord; text files may be compressed with gzip, bzip2 or xz. The span
    appears completely or not at all, and equal content is not added twice. A file with other column names,
    data.labels or a dialect is rewritten, so that runs without these settings can read it.
    """
    from components.example_gen.reading_limits import require_usable
    from pipeline.preflight.reviews import require_delivery
    from pipeline.spans.destination import destination_of
    from pipeline.spans.labels import QUARANTINED, quarantined, without_suspects
    from pipeline.spans.landing import land, state_of
    from pipeline.spans.listing import span_data, span_source

    source = span_source(settings, folder)
    target = span_data(settings, source)
    columns = (text_column or target.text_column, label_column or target.label_column)
    if columns[0] == columns[1]:
        raise InputError(f"The columns of text and label are both {columns[0]!r}; name two.")
    file = Path(path)
    destination_of(target.pattern)  # before spans are looked for in a store that may not answer
    own = target.model_copy(update={"text_column": columns[0], "label_column": columns[1]})
    before = state_of(file)
    target, own = _with_classes(target, own, file)
    require_delivery(str(file), own)
    labels = _check_labels(file, target, own, settings)
    if labels and labels.too_many and settings.check.label_check == "quarantine rows":
        require_usable(labels.reading, max_bad_share=target.max_bad_share, names=target.class_names)
        beside = {QUARANTINED: [quarantined(labels, target)]}
        with without_suspects(labels, target) as rest:
            landed = land(rest, target, origin=str(file.absolute()), left_out=labels.reading, beside=beside)
    else:
        landed = land(file, target, columns=columns, since=before)
    warnings = [*_warnings(landed, target), *(_label_warnings(labels, settings) if landed.added else ())]
    if as_json:
        click.echo(json.dumps(_landed_facts(landed, warnings) | _label_facts(labels)))
    else:
        lines = _landed_lines(landed, source, settings, target.class_names)
        click.echo("\n".join([*lines, *_label_lines(labels)]))
    for warning in warnings:
        click.echo(f"Warning: {warning}", err=True)


def _with_classes(target: DataSettings, own: DataSettings, file: Path) -> tuple[DataSettings, DataSettings]:
    """Both settings with the names of the classes, learned from the file and the spans if need be."""
    if not own.learns_classes:
        return target, own
    from components.example_gen.sources.label_census import learned_classes
    from components.example_gen.sources.spans import find, newest_versions

    there = [path for span in newest_versions(find(target.pattern)) for path in span.paths]
    names = {"classes": learned_classes(own, [str(file)], beside=(target, there)).names}
    return target.model_copy(update=names), own.model_copy(update=names)


def _check_labels(
    file: Path, target: DataSettings, own: DataSettings, settings: Settings
) -> FileLabels | None:
    """The label check, for a file that can be landed; the landing says what cannot be read.

    Args:
      own: `target` with the names of the file's columns.
    """
    from components.example_gen.sources.spans import find, newest_versions
    from pipeline.spans.labels import check_labels

    try:
        there = [path for span in newest_versions(find(target.pattern)) for path in span.paths]
        return check_labels(str(file), own, settings.check, spans=there, data=target)
    except InputError:
        return None


def _label_warnings(labels: FileLabels | None, settings: Settings) -> Iterator[str]:
    if labels and labels.too_many:
        share = f"{labels.check.share:.1%} of {labels.check.examined:,} labels look wrong"
        left_out = settings.check.label_check == "quarantine rows"
        yield f"{share}; " + (
            f"the {len(labels.check.suspects):,} rows were quarantined."
            if left_out
            else "they are added unchanged. --set check.label_check='quarantine rows' leaves them out."
        )


def _label_facts(labels: FileLabels | None) -> dict[str, Any]:
    if labels is None:
        return {}
    if labels.check.not_judged:
        return {"labels_not_judged": labels.check.not_judged}
    return {
        "suspected_labels": len(labels.check.suspects),
        "labels_examined": labels.check.examined,
        "label_limit_applies": not labels.check.too_few_for_limit,
        "first_suspected": labels.first(),
    }


def _label_lines(labels: FileLabels | None) -> Iterator[str]:
    if labels is None:
        return
    if labels.check.not_judged:
        yield f"  labels    not judged: {labels.check.not_judged}"
        return
    yield (
        f"  labels    {len(labels.check.suspects):,} of {labels.check.examined:,} look wrong "
        f"({labels.check.share:.1%}; {labels.check.right_suspects})"
    )
    if labels.too_many:
        yield from (f"    {line}" for line in labels.first())


def _warnings(landed: Landed, target: DataSettings) -> list[str]:
    counted, found = landed.counted, []
    distinct = counted.reading.taken - counted.duplicates
    if distinct < _FEWEST_DISTINCT * counted.reading.taken:
        found.append(
            f"Only {distinct:,} of {counted.reading.taken:,} texts are distinct, the others are copies."
        )
    if landed.added and (known := _span_with_all(landed, target)) is not None:
        found.append(f"All texts are in span {known} already; a run on both keeps one copy of each.")
    if absent := [name for name in target.class_names if not counted.reading.classes[name]]:
        what = f"No example is {' or '.join(absent)}"
        if len(counted.reading.classes) == 1:
            what = f"Every example is {next(iter(counted.reading.classes))}"
        found.append(f"{what}; a run on this span alone stops at the data check.")
    if counted.contradictions:
        found.append(f"Examples labeled otherwise than the same text further up: {counted.contradictions:,}.")
    return found


def _span_with_all(landed: Landed, target: DataSettings) -> int | None:
    from components.example_gen.sources.spans import find, newest_versions
    from pipeline.spans.known_texts import span_with_all

    others = [span for span in newest_versions(find(target.pattern)) if span.number != landed.number]
    return span_with_all(landed.counted.texts, others, target)


def _landed_facts(landed: Landed, warnings: list[str]) -> dict[str, Any]:
    counted = landed.counted
    return {
        "added": landed.added,
        "span": landed.number,
        "file": landed.path,
        "fingerprint": landed.fingerprint,
        "rows": counted.reading.rows,
        "reviews": counted.reading.taken,
        "examples": counted.reading.taken,
        "bad_rows": counted.reading.bad_rows,
        "left_out": counted.account["left_out"],
        "left_out_labels": counted.account["left_out_labels"],
        "first_left_out": counted.account["first_left_out"],
        "positive_share": counted.positive_share,
        "classes": dict(counted.reading.classes),
        "duplicates": counted.duplicates,
        "contradictions": counted.contradictions,
        "data": counted.account,
        "warnings": warnings,
    }


def _landed_lines(landed: Landed, source: str, settings: Settings, names: Sequence[str]) -> Iterator[str]:
    if not landed.added:
        yield f"Nothing to add: span {landed.number} has the same content, in {landed.path}"
        return
    from pipeline.config import DEFAULT_WORKSPACE
    from pipeline.results.data_account import first_left_out, in_words

    counted = landed.counted
    shown = names[1:] if len(names) == 2 else names
    yield (
        f"Landed as span {landed.number}: examples {counted.reading.taken:,}, "
        f"{_shares(counted.reading.classes, shown)}, duplicates {counted.duplicates:,}"
    )
    yield f"  in        {landed.path}"
    yield f"  rows      {in_words(counted.account)}"
    yield from (f"    {row}" for row in first_left_out(counted.account))
    elsewhere = source == SPANS and settings.workspace != DEFAULT_WORKSPACE
    where = f" --workspace {shlex.quote(str(settings.workspace))}" if elsewhere else ""
    yield f"  train     greenlight run --source {shlex.quote(source)}{where}"


def _shares(classes: Mapping[str, int], names: Sequence[str]) -> str:
    total = sum(classes.values()) or 1
    return ", ".join(f"{name} {classes.get(name, 0) / total:.1%}" for name in names)


@data.command("list")
@options.workspace
@click.option("--from", "folder", metavar="DIR", help="Folder of the spans, as for `data add --to`.")
@options.as_json
def list_(settings: Settings, folder: str | None, as_json: bool) -> None:
    """List the spans with their examples and the runs that used them."""
    from pipeline.preflight.classes import with_learned_classes
    from pipeline.results.data_account import first_left_out
    from pipeline.spans.facts import span_facts
    from pipeline.spans.listing import list_spans, span_data, span_source

    source = span_source(settings, folder)
    if settings.data.learns_classes and list_spans(settings, source):
        settings = with_learned_classes(settings, span_data(settings, source), tell=lambda _: None)
    found = span_facts(settings, source)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(facts) for facts in found]))
        return
    if not found:
        where = span_data(settings, source).pattern
        click.echo(f"There is no span at {where}. `greenlight data add FILE` adds one.", err=True)
        return
    click.echo("\n".join(_table([_header(settings), *(_cells(facts) for facts in found)])))
    for facts in found:
        for row in first_left_out(facts.data) if facts.data else ():
            click.echo(f"span {facts.span}: {row}")
        if facts.error:
            click.echo(f"span {facts.span}: {facts.error}", err=True)


def _header(settings: Settings) -> tuple[str, ...]:
    names = settings.data.class_names
    return (
        "span",
        "rows",
        "examples",
        "duplicates",
        names[1] if len(names) == 2 else "classes",
        "left out",
        "fingerprint",
        "written",
        "used by",
    )


def _cells(facts: SpanFacts) -> tuple[str, ...]:
    written = datetime.datetime.fromtimestamp(facts.modified, datetime.UTC)
    unread = facts.error is not None
    return (
        f"{facts.span}" if facts.version is None else f"{facts.span} v{facts.version}",
        "?" if unread else f"{facts.rows:,}",
        "?" if unread else f"{facts.examples:,}",
        "?" if unread else f"{facts.duplicates:,}",
        _class_shares(facts),
        "?" if unread else _left_out(facts),
        facts.fingerprint[:12],
        f"{written:%Y-%m-%d %H:%M} UTC",
        ", ".join(facts.runs) or "-",
    )


def _class_shares(facts: SpanFacts) -> str:
    if facts.positive_share is not None:
        return f"{facts.positive_share:.1%}"
    return _shares(facts.classes, sorted(facts.classes, key=lambda name: -facts.classes[name])[:3]) or "-"


def _left_out(facts: SpanFacts) -> str:
    from pipeline.results.data_account import reasons_of

    account = facts.data or {"left_out": {}}
    reasons = reasons_of(account)
    return f"{sum(account['left_out'].values()):,}" + (f" ({reasons})" if reasons else "")


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(padded).rstrip()
