"""The text of the study of few labels: its table and conclusion."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from pipeline.results.data_account import lines_of
from pipeline.study.labels import baseline
from pipeline.study.labels.result import BASELINE, NAMES, OURS, LabelStudyResult, SizeScores

HEADER = ("labels", NAMES[OURS], NAMES[BASELINE], "difference", "at least as good")
WIDTHS = (7, 19, 31, 13, 19)


def conclusion(result: LabelStudyResult) -> str:
    """At which sizes the mean accuracy is at least the baseline's, in a sentence."""
    behind = [size for size in result.sizes if size.difference < 0]
    if not behind:
        return f"At every size the mean accuracy is at least that of {NAMES[BASELINE]}."
    worst = min(behind, key=lambda size: size.difference)
    return (
        f"The mean accuracy is below that of {NAMES[BASELINE]} at {_listed(behind)} labels, by up to "
        f"{-worst.difference:.4f}."
    )


def setting(result: LabelStudyResult) -> str:
    """What was drawn, judged and compared."""
    count = max(len(size.draws) for size in result.sizes)
    words = (
        f"{count} {'draw' if count == 1 else 'draws'} of each size from {result.available:,} examples, "
        f"judged on the same {result.judged:,} others. Greenlight divides the labels into train and eval; "
        f"the baseline, {baseline.DESCRIPTION}, is fitted to all of them."
    )
    if result.left_out:
        sizes = ", ".join(f"{size:,}" for size in result.left_out)
        words += f" Left out, for lack of examples: {sizes} labels."
    return words


def cells(size: SizeScores) -> tuple[str, ...]:
    """The cells of HEADER."""
    return (
        f"{size.labels:,}",
        *(f"{size.mean(model):.4f} ± {size.deviation(model):.4f}" for model in (OURS, BASELINE)),
        f"{size.difference:+.4f}",
        f"{size.wins} of {len(size.draws)}",
    )


def as_text(result: LabelStudyResult) -> str:
    """The whole study, 100 columns wide."""
    lines = [
        "Accuracy by the number of labels: mean and standard deviation over the draws",
        *textwrap.wrap(setting(result), 100),
        "",
        _line(HEADER),
        *(_line(cells(size)) for size in result.sizes),
        "",
        *textwrap.wrap(conclusion(result), 100),
    ]
    lines += [wrapped for line in lines_of(result.data) for wrapped in textwrap.wrap(line, 100)]
    return "\n".join(lines + [f"{name}: {path}" for name, path in result.files.items()])


def _line(texts: Sequence[str]) -> str:
    return "".join(f"{text:>{width}}" for text, width in zip(texts, WIDTHS, strict=True))


def _listed(sizes: Sequence[SizeScores]) -> str:
    return ", ".join(f"{size.labels:,}" for size in sizes)
