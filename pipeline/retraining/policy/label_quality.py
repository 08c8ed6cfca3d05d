"""Label quality checks: defects of a span, and a live model that is worse than the previous one. Pure."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from components.label_check.share_bounds import ONE_IN_TWENTY, lower_bound, upper_bound
from pipeline.retraining.policy.records import Examination
from pipeline.settings.retrain import RetrainSettings


@dataclasses.dataclass(frozen=True)
class Worse:
    """The reason and the evidence that a version is worse than the previous one."""

    why: str
    evidence: Mapping[str, Any]


def defect(examination: Examination, settings: RetrainSettings, *, vouched: bool) -> str | None:
    """The reason why the span must not be trained on; None if there is none.

    Args:
      vouched: a person has released the span, so that its labels are not checked.
    """
    if examination.problem is not None:
        return examination.problem
    if not examination.rows:
        return f"{examination.span} has no usable row"
    if vouched:
        return None
    doubt = _suspects(examination, settings)
    if examination.accuracy is not None:
        doubt = _few_agree(examination, settings) or _sure_are_wrong(examination, settings) or doubt
    if doubt is None:
        return None
    return (
        f"{doubt}: the labels look flipped. If they are right: greenlight retrain --release "
        f"{examination.span.number} --reason TEXT"
    )


def _suspects(examination: Examination, settings: RetrainSettings) -> str | None:
    if not examination.examined or not examination.label_limit_applies:
        return None
    share = examination.suspects / examination.examined
    if lower_bound(share, examination.examined) <= settings.max_suspects:
        return None
    rows = ", ".join(examination.suspect_rows[:3])
    return (
        f"the label check finds {examination.suspects:,} of {examination.examined:,} labels of "
        f"{examination.span} probably wrong ({rows}), {share:.1%} and more than retrain.max_suspects = "
        f"{settings.max_suspects:g}"
    )


def _few_agree(examination: Examination, settings: RetrainSettings) -> str | None:
    assert examination.accuracy is not None
    if upper_bound(examination.accuracy, examination.rows) >= settings.min_agreement:
        return None
    return (
        f"the live version {examination.live} agrees with {examination.accuracy:.1%} of the "
        f"{examination.rows:,} labels of {examination.span}, fewer than retrain.min_agreement = "
        f"{settings.min_agreement:g}"
    )


def _sure_are_wrong(examination: Examination, settings: RetrainSettings) -> str | None:
    if not examination.sure:
        return None
    share = examination.sure_wrong / examination.sure
    if lower_bound(share, examination.sure) <= settings.max_sure_wrong:
        return None
    return (
        f"the live version {examination.live} is sure of {examination.sure:,} of the {examination.rows:,} "
        f"rows of {examination.span}, and {share:.1%} of these have the other label, more than "
        f"retrain.max_sure_wrong = {settings.max_sure_wrong:g}"
    )


def worse_than_before(watched: Sequence[Examination], settings: RetrainSettings) -> Worse | None:
    """The evidence that the live model is worse than the previous one on spans newer than its promotion.

    Args:
      watched: examinations by this live version, oldest first; the last one of each span counts.

    Returns:
      None unless the margin of `retrain.rollback_margin` is exceeded and the sign test is significant.
    """
    last = {
        one.span: one for one in watched if one.accuracy is not None and one.previous_accuracy is not None
    }
    within = list(last.values())[: settings.watch_spans]
    rows = sum(one.rows for one in within)
    live_only, previous_only = (
        sum(getattr(one, name) for one in within) for name in ("live_only", "previous_only")
    )
    if not rows or live_only + previous_only == 0:
        return None
    lack = (previous_only - live_only) / rows
    beyond_chance = (previous_only - live_only) / math.sqrt(previous_only + live_only)
    if lack <= settings.rollback_margin or beyond_chance < ONE_IN_TWENTY:
        return None
    spans = ", ".join(str(one.span) for one in within)
    why = (
        f"on {spans}, newer than its promotion, version {within[-1].live} is {lack:.4f} less accurate than "
        f"version {within[-1].previous} (retrain.rollback_margin = {settings.rollback_margin:g})"
    )
    evidence = {
        "rows": rows,
        "lack": lack,
        "live_only": live_only,
        "previous_only": previous_only,
        "spans": [one.span.number for one in within],
        "standard_deviations": beyond_chance,
    }
    return Worse(why, evidence)
