"""Releasing: a person says that a span that was set aside is right after all."""

from __future__ import annotations

from components.errors import InputError
from pipeline.retraining.journal import Journal
from pipeline.retraining.paths import Paths
from pipeline.retraining.policy.history import History
from pipeline.retraining.policy.moments import Moment
from pipeline.retraining.policy.records import Released, SpanContent


def release(paths: Paths, number: int, *, who: str, why: str, now: Moment) -> SpanContent:
    """Lets the span of this number be used although it was set aside.

    Raises:
      InputError: it is not set aside.
    """
    journal = Journal(paths.journal)
    aside = [span for span in History(journal.records()).aside if span.number == number]
    if not aside:
        raise InputError(
            f"Span {number} is not set aside in {paths.workspace.root}. `greenlight retrain --history` "
            "shows what is."
        )
    journal.append(now, Released(span=aside[-1], who=who, why=why))
    return aside[-1]
