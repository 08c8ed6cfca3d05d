"""The result of a run, behind `greenlight run --json`, the summary and `greenlight verdict`."""

from __future__ import annotations

import dataclasses
import json
import math
import numbers
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

from components.errors import InputError
from serving.storage.whole_file import write_whole

Verdict = Literal["promoted", "refused", "unchanged", "stopped", "failed"]

EXIT_CODES: Mapping[str, int] = {"promoted": 0, "unchanged": 0, "refused": 3, "stopped": 4, "failed": 1}

_DEPTH = 2
"""How many folders deeper than `runs` and `reports` the log and the report of a run are, with these."""

_VERSIONS = "serving"
"""The folder of a workspace with the versions of all models."""


@dataclasses.dataclass(frozen=True)
class StageTiming:
    """The seconds of a stage, and whether its outputs came from the cache."""

    name: str
    seconds: float
    cached: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunResult:
    """The result of a run. Paths are strings, so that the object converts to JSON.

    `comparison`, `test_set` and `refit` have the number `examples` as `reviews`, too, its former name.

    gate: one mapping a condition with at least `metric`, `slice`, `threshold`, `value` and `passed`; the
      evaluator's further keys (`kind`, `split`, `status`, `lower`, `upper`, `baseline`, `margin`, `reason`,
      `unjudged`, `examples`, `texts`) are kept.
    comparison: on which examples the model was compared with the live one: `examples`, `compared`, `left_out`
      with the reasons, `needed`, `known`, `problem`, `data_changes`; None where nothing was live.
    test_set: `digest`, `examples`, `texts`, `seen_by_candidate`, `majority_class`, `majority_share`,
      `resolution` and `candidates` of the split that the gate judged on.
    negation: accuracy on sentences with a negation or a contrast, one mapping a kind: `kind`, `example`,
      `label`, `example_count`, `accuracy` and `baseline` (that of the live model); empty but for English film
      reviews.
    notes: notes for readers of the figures, a sentence each.
    data: the rows read: `rows`, `used`, `beyond_limit`, `duplicates`, `set_aside`, `left_out` (by reason) and
      `first_left_out` (file, line and reason of the first ones); None where none was read.
    version, model_path: the version that is live after the run; None where there is none.
    refit: the second fit on train and eval (`trainer.refit`): `examples`, `epochs` and `calibrated_on`, or
      `why_not`; None where nothing was trained.
    reasons: why the run was refused or stopped, a sentence each.
    approval: who promoted the refused model (`by`), when (`at`), why (`reason`), the conditions they waived
      (`waived`), and the `version` that it became; None without an approval. The verdict stays what it was.
    error, error_code: of a failed run; the code is 2 where the user's settings or input were the cause.
    error_kind: of a stopped or failed run, the kind of its error, a class of components.errors; "" of others.
    machine_fault: whether a failed run failed because of the machine, such as a full disk or a killed
      process: it says nothing of the data, the model or the settings.
    """

    verdict: Verdict
    version: str | None = None
    model_path: str | None = None
    run: str | None = None
    metrics: Mapping[str, float | None] = dataclasses.field(default_factory=dict)
    gate: Sequence[Mapping[str, Any]] = ()
    epochs: int | None = None
    stages: Sequence[StageTiming] = ()
    seconds: float = 0.0
    report: str | None = None
    log: str | None = None
    reasons: Sequence[str] = ()
    error: str | None = None
    error_code: int = 1
    machine_fault: bool = False
    error_kind: str = ""
    approval: Mapping[str, Any] | None = None
    comparison: Mapping[str, Any] | None = None
    test_set: Mapping[str, Any] | None = None
    notes: Sequence[str] = ()
    data: Mapping[str, Any] | None = None
    refit: Mapping[str, Any] | None = None
    negation: Sequence[Mapping[str, Any]] = ()

    @property
    def reason_lines(self) -> tuple[str, ...]:
        """The reasons as a list, a line each. Those of a stopped run are the lines of one message, which
        indents what it lists.
        """
        return tuple(self.reasons if self.verdict == "stopped" else (f"- {one}" for one in self.reasons))

    @property
    def exit_code(self) -> int:
        return self.error_code if self.verdict == "failed" else EXIT_CODES[self.verdict]

    @property
    def workspace(self) -> Path | None:
        """The workspace of the run, where it was then: its log or report is in it; None if it has neither."""
        kept = self.log or self.report
        return Path(kept).parents[_DEPTH] if kept and len(Path(kept).parents) > _DEPTH else None

    @property
    def model_in_workspace(self) -> bool:
        """Whether the live version is in the workspace of the run, and not under `push.serving_root`."""
        versions = Path(self.model_path).parents[1:2] if self.model_path else ()
        return self.workspace is not None and tuple(versions) == (self.workspace / _VERSIONS,)

    def to_json(self) -> dict[str, Any]:
        """A JSON object; numbers that JSON cannot hold (NaN, infinities) become null."""
        return {field.name: _plain(getattr(self, field.name)) for field in dataclasses.fields(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The result that `to_json` wrote; keys of a newer Greenlight are ignored."""
        known = {field.name for field in dataclasses.fields(cls)}
        kept = {key: value for key, value in data.items() if key in known}
        return cls(**kept | {"stages": tuple(StageTiming(**stage) for stage in data.get("stages", ()))})

    def save(self, path: Path) -> None:
        """Writes `path` atomically; creates its folder."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(self.to_json(), indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> Self:
        """The inverse of `save`.

        Raises:
          InputError: there is no such file, or it is not a run's result.
        """
        try:
            return cls.from_json(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise InputError(
                f"There is no result at {path}: that run is under way, or was interrupted. Its run.log may "
                "say why."
            ) from None
        except (OSError, ValueError, TypeError, AttributeError) as error:
            message = f"The result at {path} cannot be read ({error}). Run again, or delete the file."
            raise InputError(message) from error


def _plain(value: Any) -> Any:
    """`value` in JSON types; NumPy scalars become Python scalars."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _plain(dataclasses.asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):
        return _plain(value.item())
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value) if math.isfinite(value) else None
    return str(value)
