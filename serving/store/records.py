"""The result types of a version store."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

from serving.store.manifest import Facts, Manifest

State = Literal["live", "previous", "older", "rolled-back", "set-aside", "incomplete"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that does not match a version's manifest; `file` is relative to the version's folder."""

    version: int
    file: str
    what: str

    def __str__(self) -> str:
        return f"version {self.version}: {self.file} {self.what}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Version:
    """A version as its folder shows it.

    `state`: live (what TensorFlow Serving loads), previous (what a rollback falls back on), older,
    rolled-back, set-aside (damaged, moved out of the way), incomplete (a number without `saved_model.pb`).
    `problems` are those that show without reading the files: a manifest that cannot be used, files missing,
    added or of another size. `digest` is None where neither manifest nor journal knows it.
    """

    number: int
    state: State
    path: str
    digest: str | None
    manifest: Manifest | None = dataclasses.field(repr=False)  # hundreds of lines
    problems: tuple[Problem, ...] = ()
    why: str = ""

    @property
    def created(self) -> str | None:
        """When it was pushed: UTC in ISO 8601."""
        return self.manifest.created if self.manifest else None

    @property
    def metrics(self) -> Mapping[str, Any]:
        """The metrics it was promoted with; empty where its manifest cannot be read."""
        return self.manifest.facts.metrics if self.manifest else {}

    @property
    def threshold(self) -> float:
        """The probability from which on it labels positive, of two classes; 0.5 without a manifest."""
        return self.manifest.facts.threshold if self.manifest else Facts().threshold

    @property
    def published(self) -> bool:
        """Whether its folder is numbered and there, so that TensorFlow Serving could load it."""
        return self.state in ("live", "previous", "older")


@dataclasses.dataclass(frozen=True, kw_only=True)
class PushResult:
    """What became of a push or promotion.

    outcome `pushed`: `version` is new and live. `unchanged`: the live `version` is this very model already.
    `rejected`: this very model was `version`, a person rolled that back or promoted another one over it, and
    nothing was published.
    """

    outcome: Literal["pushed", "unchanged", "rejected"]
    version: int
    path: str
    digest: str
    reason: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class RollbackResult:
    """`rolled_back` left and `live` answers now; `changed` is False where it had been rolled back before."""

    rolled_back: int
    live: int
    changed: bool
