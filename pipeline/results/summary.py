"""The summary at the end of a run: verdict and reasons, paths, and the next commands."""

from __future__ import annotations

import dataclasses
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.evaluator.judgment.wording import bound_judged, slice_words
from components.evaluator.verdict import CEILINGS, Status, status_of
from pipeline.config import DEFAULT_MODEL, DEFAULT_WORKSPACE
from pipeline.results.data_account import in_words
from pipeline.results.example_text import example_text
from pipeline.results.outcome import RunResult

if TYPE_CHECKING:
    from rich.console import RenderableType

COLORS = {
    "promoted": "green",
    "unchanged": "green",
    "refused": "yellow",
    "stopped": "yellow",
    "failed": "red",
}
SHOWN_METRICS = ("accuracy", "auc", "precision", "recall", "calibration", "ece")
OF_MANY = ("accuracy", "balanced_accuracy", "macro_f1", "auc", "ece")
"""The metrics that are shown of more than two classes."""
_REASONS = {
    "baseline": "the model in production cannot be evaluated",
    "unseen": "other data than before",
    "quality": "the first model to compare with",
}
"""Kinds of conditions that a person may have to waive, and why they would."""
_COMPARABLE = "the data.split_salt, weights and source of the model in production, or more new examples"
_MARKS: Mapping[Status, str] = {"ok": "ok", "failed": "NO", "waived": "waived", "not judged": "not judged"}
_SIGNS: Mapping[Status, tuple[str, str]] = {
    "ok": ("✓", "green"),
    "failed": ("✗", "bold red"),
    "waived": ("✗", "yellow"),
    "not judged": ("–", "dim"),
}


@dataclasses.dataclass(frozen=True)
class Check:
    """One condition of the gate in words."""

    status: Status
    name: str
    value: str
    limit: str
    margin: str

    @property
    def mark(self) -> str:
        return _MARKS[self.status]


@dataclasses.dataclass(frozen=True)
class Summary:
    """What is shown, top to bottom. `reasons` are lines; `places` and `commands` are pairs of a label and a
    line to copy.
    """

    verdict: str
    headline: str
    checks: Sequence[Check]
    reasons: Sequence[str]
    notes: Sequence[str]
    facts: Sequence[str]
    places: Sequence[tuple[str, str]]
    commands: Sequence[tuple[str, str]]

    def as_text(self) -> str:
        """Plain lines."""
        widths = [
            max((len(cell) for cell in column), default=0) for column in zip(*self._cells(), strict=True)
        ]
        mark = max(7, *(len(check.mark) for check in self.checks)) if self.checks else 7
        lines = [f"{self.verdict.upper()}  {self.headline}"]
        for check, cells in zip(self.checks, self._cells(), strict=True):
            padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
            lines.append(f"  {check.mark:<{mark}} {'  '.join(padded)}".rstrip())
        lines += [f"  {line}" for line in self.reasons]
        lines += [f"  note: {note}" for note in self.notes]
        lines += [f"  {fact}" for fact in self.facts]
        lines += [f"  {label:<7} {line}" for label, line in (*self.places, *self.commands)]
        return "\n".join(lines) + "\n"

    def as_rich(self) -> RenderableType:
        """The same in color. Lines to copy are never cut."""
        from rich.console import Group
        from rich.rule import Rule
        from rich.table import Table
        from rich.text import Text

        color = COLORS[self.verdict]
        head = Text.assemble(
            (f" {self.verdict.upper()} ", f"bold reverse {color}"), "  ", (self.headline, "bold")
        )
        checks = Table.grid(padding=(0, 2, 0, 0))
        for check, (name, value, limit, margin) in zip(self.checks, self._cells(), strict=True):
            mark, style = _SIGNS[check.status]
            cells = (name, Text(value, "bold"), Text(limit, "dim"), Text(margin, style))
            checks.add_row(Text(f"  {mark}", style), *cells)
        parts: list[RenderableType] = [Rule(style=color), head, Text()]
        if self.checks:
            parts += [checks, Text()]
        if self.reasons:
            parts += [*(Text(f"  {line}", "yellow") for line in self.reasons), Text()]
        if self.notes:
            parts += [*(Text(f"  {note}", "dim") for note in self.notes), Text()]
        parts += [*(Text(f"  {fact}", "dim") for fact in self.facts), Text()]
        for label, line in (*self.places, *self.commands):
            style = "cyan" if (label, line) in self.places else ""
            parts.append(
                Text.assemble((f"  {label:<8}", "dim"), (line, style), no_wrap=True, overflow="ignore")
            )
        return Group(*parts)

    def _cells(self) -> list[tuple[str, str, str, str]]:
        return [(check.name, check.value, check.limit, check.margin) for check in self.checks]


def summarize(result: RunResult) -> Summary:
    """The summary of `result`; paths below the current folder are shown relative to it."""
    places = {"live": result.model_path, "report": result.report, "log": result.log}
    return Summary(
        verdict=result.verdict,
        headline=headline(result),
        checks=_checks(result.gate),
        reasons=result.reason_lines,
        notes=list(result.notes),
        facts=list(_facts(result)),
        places=[(label, _near(path)) for label, path in places.items() if path],
        commands=[*_way_out(result), *_commands(result)],
    )


def headline(result: RunResult) -> str:
    """The verdict's consequence in half a sentence."""
    live = f"version {result.version}" if result.version else "no version"
    if result.verdict == "promoted":
        return f"{live} is live"
    if result.verdict == "unchanged":
        return f"{live} is live already: the same model is not promoted twice"
    stays = f"{live} stays live" if result.version else "nothing is live yet"
    if result.verdict == "refused":
        return stays
    if result.verdict == "stopped":
        return f"before training, by the data check; {stays}"
    return result.error or "the log says why"


def check_words(condition: Mapping[str, Any]) -> Check:
    """One condition of a verdict in words, wherever it was measured."""
    kind = str(condition.get("kind", "floor"))
    is_change = kind.startswith("change")
    status, margin = status_of(condition), condition.get("margin")
    if kind == "baseline":  # no figure: whether the model in production can be evaluated at all
        return Check(
            status=status, name="model in production", value="", limit="", margin="cannot be evaluated"
        )
    if kind == "quality":
        return Check(status=status, name="quality of the model", value="", limit="", margin="nothing judged")
    not_judged = status == "not judged"
    limit = show_number(condition.get("threshold"), signed=is_change)
    return Check(
        status=status,
        name=_subject(condition),
        value="-" if not_judged else _value(condition, signed=is_change),
        limit=f"{'≤' if kind in CEILINGS else '≥'} {limit}",
        margin=str(condition.get("unjudged") or "not judged") if not_judged else _signed(margin),
    )


def _subject(condition: Mapping[str, Any]) -> str:
    """recall of spam / change of recall of spam / gap of recall of spam"""
    kind = str(condition.get("kind", "floor"))
    before = "change of " if kind.startswith("change") else "gap of " if kind == "gap" else ""
    of_class = f" of {condition['class']}" if condition.get("class") else ""
    return f"{before}{str(condition.get('metric', '')).replace('_', ' ')}{of_class}"


def _value(condition: Mapping[str, Any], *, signed: bool) -> str:
    """The value, and the bound that was held against the limit in its place."""
    value, bound = show_number(condition.get("value"), signed=signed), bound_judged(condition)
    return f"{value}, {bound}" if bound else value


def _signed(margin: float | None) -> str:
    return "" if margin is None else show_number(margin, signed=True)


def _checks(conditions: Sequence[Mapping[str, Any]]) -> list[Check]:
    """One line per condition; slices that were not judged for the same reason share a line."""
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for index, condition in enumerate(conditions):
        shared = status_of(condition) == "not judged" and condition.get("slice", "overall") != "overall"
        words = check_words(condition)
        key = (words.name, words.limit, words.margin) if shared else (index,)
        groups.setdefault(key, []).append(condition)
    return [_check(group[0]) if len(group) == 1 else _shared(group) for group in groups.values()]


def _shared(group: Sequence[Mapping[str, Any]]) -> Check:
    words = check_words(group[0])
    return dataclasses.replace(words, name=f"{words.name}, {len(group)} slices")


def _check(condition: Mapping[str, Any]) -> Check:
    """The same with the slice and, where no bound of it was judged, the confidence interval."""
    words = check_words(condition)
    where = slice_words(condition.get("slice") or "overall")
    name = words.name if where == "overall" else f"{words.name}, {where}"
    return dataclasses.replace(words, name=name, value=words.value + _interval(condition))


def _interval(condition: Mapping[str, Any]) -> str:
    """The confidence interval of a value that was judged itself."""
    if (
        bound_judged(condition)
        or condition.get("confidence") is None
        or condition.get("lower") is None
        or condition.get("upper") is None
    ):
        return ""
    return f" [{show_number(condition['lower'])}, {show_number(condition['upper'])}]"


def show_number(value: float | None, *, signed: bool = False) -> str:
    """Four decimals, or whole numbers with separators; "?" for None."""
    if value is None:
        return "?"
    if float(value).is_integer() and abs(value) > 1:
        return f"{int(value):{'+' if signed else ''},}"
    return f"{value:{'+' if signed else ''}.4f}"


def _facts(result: RunResult) -> list[str]:
    of_many = "macro_f1" in result.metrics
    known = [(name, result.metrics.get(name)) for name in (OF_MANY if of_many else SHOWN_METRICS)]
    metrics = [f"{name.replace('_', ' ')} {value:.4f}" for name, value in known if value is not None]
    if examples := result.metrics.get("example_count"):
        metrics.append(f"on {int(examples):,} examples")
    cached = sum(stage.cached for stage in result.stages)
    course = [f"{result.epochs} epochs"] if result.epochs else []
    if result.refit and "reviews" in result.refit:
        course.append(f"refit on {result.refit['reviews']:,} examples for {result.refit['epochs']} epochs")
    course.append(f"{result.seconds:.0f} s")
    if cached:
        course.append(f"{cached} of {len(result.stages)} stages from cache")
    data = in_words(result.data) if result.data else ""
    not_refit = (result.refit or {}).get("why_not")
    once = f"not refit on train and eval: {not_refit}" if not_refit else ""
    return [line for line in ("  ".join(metrics), data, ", ".join(course), once) if line]


def _near(path: str) -> str:
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative


def _way_out(result: RunResult) -> list[tuple[str, str]]:
    """Where no fair comparison with the model in production is possible, no later run can pass either."""
    failed = {str(gate.get("kind")) for gate in result.gate if not gate.get("passed")}
    reason = next((_REASONS[kind] for kind in _REASONS if kind in failed), None)
    if result.verdict != "refused" or reason is None or result.approval:
        return []
    workspace = Path(result.log).parents[2] if result.log else DEFAULT_WORKSPACE
    where = (
        ""
        if workspace.absolute() == DEFAULT_WORKSPACE.absolute()
        else f"--workspace {shlex.quote(str(workspace))} "
    )
    approve = f'greenlight approve {result.run} {where}--reason "{reason}"'
    if reason == _REASONS["unseen"]:
        return [("mend", _COMPARABLE), ("or", approve)]
    return [("mend", approve)]


def _commands(result: RunResult) -> list[tuple[str, str]]:
    """How to serve the model, here or by TensorFlow Serving, which finds it in its folder; and how to ask.

    Not by TensorFlow Serving for a model in a bucket, which would need the bucket's credentials.
    """
    model = result.model_path
    if model is None:
        return []
    in_bucket = "://" in model
    versions = (model if in_bucket else str(Path(model).absolute())).rpartition("/")[0]
    root, _, name = versions.rpartition("/")
    options = _place(root, result.workspace if result.model_in_workspace else None)
    options += [] if name == DEFAULT_MODEL else ["--set", f"model_name={name}"]
    docker = (
        f"docker run --rm -p 8501:8501 -e MODEL_NAME={name} "
        f"-v {shlex.quote(versions)}:/models/{name} tensorflow/serving"
    )
    url = f"http://localhost:8501/v1/models/{name}:predict"
    return [
        ("serve", shlex.join(["greenlight", "serve", *options])),
        *([] if in_bucket else [("docker", docker)]),
        ("ask", f"""curl -d '{{"instances": ["{example_text(model)}"]}}' {url}"""),
    ]


def _place(root: str, workspace: Path | None) -> list[str]:
    """The options that say where the versions are: in a workspace, or else under `push.serving_root`."""
    if workspace is None:
        return ["--set", f"push.serving_root={root}"]
    return (
        [] if workspace.absolute() == DEFAULT_WORKSPACE.absolute() else ["--workspace", _near(str(workspace))]
    )
