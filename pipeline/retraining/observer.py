"""The observer of spans and of the version store: the inputs of a retraining decision.

Imports nothing heavy: it runs at every poll.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from pipeline.retraining.paths import Paths
from pipeline.retraining.policy.observation import ObservedSpan
from pipeline.retraining.policy.records import SpanContent

if TYPE_CHECKING:
    from components.example_gen.sources.spans import Span
    from pipeline.config import Settings
    from pipeline.workspace.layout import Workspace
    from serving.versions import Version


class SpanObserver:
    """The spans of the source, and how long each has been unchanged.

    A span is ready when its files have not changed for `retrain.settle_seconds` by a monotonic clock. A span
    that is observed for the first time is ready at once if its files were modified longer ago than that.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._wall_clock = wall_clock
        self._seen: dict[int, tuple[str, float]] = {}
        self._fingerprints: dict[tuple[int, str], str] = {}

    def observe(self) -> list[ObservedSpan]:
        """The spans that the settings select, in the order of their numbers.

        Raises:
          InputError: the source cannot be listed, or a file in it is not a span.
        """
        return [seen for span in self._listed() if (seen := self._seen_as(span))]

    def trained_on(self, version: Version) -> tuple[SpanContent, ...]:
        """The spans that `version` was trained on; none if one is gone or has other content than it had then.

        Raises:
          InputError: as `observe`, or a file cannot be read.
        """
        from components.example_gen.sources.parts import fingerprint
        from pipeline.spans.listing import span_data

        if version.manifest is None:
            return ()
        facts = version.manifest.facts
        numbers = set(facts.data.get("spans", ()))
        found = [span for span in self._listed() if span.number in numbers]
        if not found or len(found) < len(numbers):
            return ()
        with_base = facts.data.get("settings", {}).get("with_base", False)
        read = span_data(self._settings).model_copy(update={"with_base": with_base})
        if fingerprint(read, found) != facts.data_fingerprint:
            return ()
        return tuple(SpanContent(span.number, _content(span)) for span in found)

    def _listed(self) -> list[Span]:
        from pipeline.spans.listing import list_spans

        if self._settings.data.kind in ("tfds", "files") and not self._settings.data.has_spans:
            return []
        return [span for span in list_spans(self._settings) if self._is_wanted(span)]

    def _is_wanted(self, span: Span) -> bool:
        data = self._settings.data
        return span.number not in data.without_spans and (data.span is None or span.number <= data.span)

    def _seen_as(self, span: Span) -> ObservedSpan | None:
        now, stamp = self._clock(), span.stamp
        before = self._seen.get(span.number)
        if before is None or before[0] != stamp:
            age = self._wall_clock() - span.modified
            settled = before is None and age >= self._settings.retrain.settle_seconds
            self._seen[span.number] = stamp, now - self._settings.retrain.settle_seconds if settled else now
        ready = now - self._seen[span.number][1] >= self._settings.retrain.settle_seconds
        fingerprint = self._fingerprint(span, stamp) if ready else "not settled"
        if fingerprint is None:  # gone meanwhile
            return None
        return ObservedSpan(key=SpanContent(span.number, fingerprint), ready=ready)

    def _fingerprint(self, span: Span, stamp: str) -> str | None:
        """A hash of the content: copying or touching the files does not change it. None if a file is gone."""
        if (span.number, stamp) not in self._fingerprints:
            try:
                self._fingerprints[span.number, stamp] = _content(span)
            except FileNotFoundError:
                return None
        return self._fingerprints[span.number, stamp]


def _content(span: Span) -> str:
    if any("://" in path for path in span.paths):
        from components.example_gen.sources.file_fingerprints import content_fingerprint

        return content_fingerprint(span.paths)[:32]
    return hashlib.sha256("\n".join(sorted(map(_digest, span.paths))).encode()).hexdigest()[:32]


def _digest(path: str) -> str:
    from components.example_gen.formats.rows import unreadable
    from components.example_gen.sources.file_bytes import raw_bytes

    hashed = hashlib.sha256()
    try:
        with raw_bytes(path) as file:
            while block := file.read(2**20):
                hashed.update(block)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise unreadable(path, error) from error
    return hashed.hexdigest()


def live_and_previous(settings: Settings, paths: Paths) -> tuple[int | None, int | None]:
    """The numbers of `live_and_previous_versions`.

    Raises:
      GreenlightError: the version store cannot be read.
    """
    live, previous = live_and_previous_versions(settings, paths.workspace)
    return (live.number if live else None), (previous.number if previous else None)


def live_and_previous_versions(
    settings: Settings, workspace: Workspace
) -> tuple[Version | None, Version | None]:
    """The live version and the one that a rollback would restore; None for each that does not exist.

    Raises:
      GreenlightError: the version store cannot be read.
    """
    from components.store_errors import as_greenlight_errors
    from serving.versions import VersionStore

    root = settings.push.store_for(settings.model_name, workspace.serving(settings.model_name))
    with as_greenlight_errors():
        found = {one.state: one for one in VersionStore(root).versions()}
    return found.get("live"), found.get("previous")
