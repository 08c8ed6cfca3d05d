"""The spans of each run, and the runs of each span, from the lineage store."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from components.example_gen.sources.spans import in_words
from pipeline.lineage.runs import RUN_CONTEXT, Run
from pipeline.lineage.store import LineageStore, reading

if TYPE_CHECKING:
    from ml_metadata import MetadataStore

EXAMPLES = "Examples"  # TFX's name of the artifact's type


@dataclass(frozen=True)
class SpansUsed:
    """The spans in the examples of a run, oldest first, each with its content's fingerprint then."""

    fingerprints: Mapping[int, str]
    with_base: bool

    def __str__(self) -> str:
        return in_words(self.fingerprints, with_base=self.with_base)


def spans_in(properties: Mapping[str, Any]) -> SpansUsed | None:
    """What the properties of an Examples artifact say; None for a source without spans."""
    if not (noted := properties.get("spans")):
        return None
    fingerprints = {int(span["span"]): str(span["fingerprint"]) for span in json.loads(noted)}
    return SpansUsed(fingerprints, bool(properties.get("with_base")))


def spans_of(run: Run) -> SpansUsed | None:
    """The spans of a run; None where its source has none, or it never came to read it."""
    return spans_in(run.examples.properties) if run.examples else None


def runs_by_span(metadata: LineageStore) -> dict[tuple[int, str], list[str]]:
    """The runs, oldest first, by number and fingerprint of the spans in their examples; none without a
    lineage store.
    """
    if not metadata.exists():
        return {}
    with reading(metadata) as store:
        return _by_span(store)


def _by_span(store: MetadataStore) -> dict[tuple[int, str], list[str]]:
    used = {}
    for artifact in store.get_artifacts_by_type(EXAMPLES):
        properties = {name: value.string_value for name, value in artifact.custom_properties.items()}
        if spans := spans_in({"spans": properties.get("spans")}):
            used[artifact.id] = spans
    runs_of: dict[int, set[str]] = defaultdict(set)
    events = store.get_events_by_artifact_ids(list(used)) if used else []
    contexts: dict[int, set[str]] = {}
    for event in events:
        if event.execution_id not in contexts:
            found = store.get_contexts_by_execution(event.execution_id)
            contexts[event.execution_id] = {c.name for c in found if c.type == RUN_CONTEXT}
        runs_of[event.artifact_id] |= contexts[event.execution_id]
    by_span: dict[tuple[int, str], set[str]] = defaultdict(set)
    for artifact_id, spans in used.items():
        for key in spans.fingerprints.items():
            by_span[key] |= runs_of[artifact_id]
    return {key: sorted(runs) for key, runs in by_span.items()}
