"""The release of a quarantined span by a person, who vouches for its labels."""

from __future__ import annotations

from components.errors import InputError
from pipeline.retraining.journal import Journal
from pipeline.retraining.paths import Paths
from pipeline.retraining.policy.clock import Timestamp
from pipeline.retraining.policy.history import History
from pipeline.retraining.policy.records import Released, SpanContent


def release(paths: Paths, number: int, *, who: str, why: str, now: Timestamp) -> SpanContent:
    """Records that the quarantined span with this number may be used.

    Args:
      who, why: the person and the reason, for the history.

    Raises:
      InputError: the span is not quarantined.
    """
    journal = Journal(paths.journal)
    found = [span for span in History(journal.records()).quarantined if span.number == number]
    if not found:
        raise InputError(
            f"Span {number} is not quarantined in {paths.workspace.root}. `greenlight retrain --history` "
            "shows the quarantined spans."
        )
    journal.append(now, Released(span=found[-1], who=who, why=why))
    return found[-1]
