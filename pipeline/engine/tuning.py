"""The tuning pipeline of `greenlight tune`, and the settings file that it writes."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.console import run_log
from pipeline.failure import explain
from pipeline.preflight.classes import with_learned_classes
from pipeline.preflight.training import require_search
from pipeline.results.data_account import data_account, lines_of
from pipeline.workspace.layout import Workspace, new_run_id
from serving.machine import scratch
from serving.storage.whole_file import write_whole

if TYPE_CHECKING:
    from tfx.orchestration.pipeline import Pipeline

    from pipeline.config import Settings
    from pipeline.console.plain import Console
    from pipeline.lineage.runs import Run

FOLDER = "tuning"
"""A nested workspace below the workspace: a search is not listed as a run and does not block runs."""

BEST, RESULTS = "best_hyperparameters.txt", "tuner_results.json"  # as TFX's Tuner names them


@dataclasses.dataclass(frozen=True, kw_only=True)
class TuneResult:
    """The result of a search.

    Attributes:
      trials: score (log loss on eval) and values of each trial that ended, best first.
      data: the account of the rows, as in the result of a run.
    """

    trials: Sequence[Mapping[str, Any]]
    before: Mapping[str, Any]
    best: Mapping[str, Any]
    config: str
    log: str
    seconds: float
    data: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        return {"tuning": FOLDER, **dataclasses.asdict(self)}

    def as_text(self) -> str:
        """The result as text for a terminal."""
        best, first = self.trials[0], self._first
        if first is None:
            compared = "; with the initial settings, the fit diverged."
        elif first is best:
            compared = ", with the initial settings."
        else:
            compared = f"; before: {first['score']:.4f}."
        count = f"{len(self.trials)} trials" if len(self.trials) > 1 else "a single trial"
        lines = [f"The best of {count} has a log loss of {best['score']:.4f} on eval{compared}"]
        for name, value in self.best.items():
            was = "" if value == self.before[name] else f"  (was {json.dumps(self.before[name])})"
            lines.append(f"  trainer.{name:<16} {json.dumps(value)}{was}")
        lines += lines_of(self.data)
        return "\n".join([*lines, f"Use it: greenlight run --config {self.config}"])

    @property
    def _first(self) -> Mapping[str, Any] | None:
        """The trial of the initial settings, if it ended."""
        return next((trial for trial in self.trials if int(trial["trial_id"]) == 0), None)


def tune(settings: Settings, *, console: Console, output: Path | None) -> TuneResult:
    """Searches with TFX's Tuner on train and eval, and writes the best settings to `output`.

    Trials of an earlier search, which was stopped or had a smaller budget, are not repeated.

    Args:
      output: the settings file; in the workspace if None.

    Raises:
      InputError: the workspace cannot be used, or see `pipeline.preflight.training.require_search`.
      DataStopped: the data check stopped the search.
      GreenlightError: a stage failed, or another search is under way in this workspace.
    """
    started = time.monotonic()
    settings = with_learned_classes(settings, tell=console.note)
    require_search(settings, output)
    workspace = Workspace.at(Workspace.at(settings.workspace).root / FOLDER)
    workspace.create()
    output = (output or workspace.root / "tuned.toml").absolute()
    run_id = new_run_id()
    with (
        workspace.exclusively(),
        scratch.holding_temporary_files("tuning"),
        run_log.capture(workspace.log(run_id)),
    ):
        run = _run(settings, workspace, run_id, console)
        best = _read(run, "best_hyperparameters", BEST)["values"]
        trials = _read(run, "tuner_results", RESULTS)
    from components.tuner.space import applied

    tuned = applied(best, settings.trainer)
    _write_config(output, settings, {name: getattr(tuned, name) for name in best})
    return TuneResult(
        trials=trials,
        before={name: settings.trainer.model_dump(mode="json")[name] for name in best},
        best={name: tuned.model_dump(mode="json")[name] for name in best},
        config=str(output),
        log=str(workspace.log(run_id)),
        seconds=time.monotonic() - started,
        data=data_account(run),
    )


def create_tuning_pipeline(settings: Settings, workspace: Workspace) -> Pipeline:
    """The pipeline of the data stages, as in a run, and the Tuner."""
    from tfx.orchestration.pipeline import Pipeline

    from components.tuner.component import tuner
    from pipeline.engine.data_stages import data_stages

    data = data_stages(settings)
    search = tuner(
        data.examples.outputs["examples"],
        tune=settings.tune,
        trainer=settings.trainer,
        embedding=settings.embedding,
        cache_dir=settings.cache,
        fits_dir=workspace.root / "fits",
        classes=settings.data.class_names,
    )
    search.add_upstream_node(data.check)
    return Pipeline(
        pipeline_name=f"{settings.model_name}-{FOLDER}",
        pipeline_root=str(workspace.artifacts),
        metadata_connection_config=workspace.metadata.shown_config(),
        components=[*data, search],
        enable_cache=True,
        beam_pipeline_args=list(settings.beam.pipeline_args()),
    )


def _run(settings: Settings, workspace: Workspace, run_id: str, console: Console) -> Run:
    console.note("Loading TensorFlow and TFX ...")
    from components.trainer import progress
    from pipeline.engine.beam_orchestrator import run_dag
    from pipeline.job_server import session
    from pipeline.lineage.runs import read_run
    from pipeline.workspace.relocation import relocate_artifacts

    relocate_artifacts(workspace)
    listener = _Stages(workspace, run_id, console)
    with (
        session.opened(settings.beam, cache=settings.cache, progress=console.note),
        progress.reporting_to(lambda line: console.progress("Tuner", line)),
    ):
        try:
            dag = create_tuning_pipeline(settings, workspace)
            run_dag(dag, run_id=run_id, listener=listener, lineage=workspace.metadata)
        except Exception as raised:
            # Beam wraps the error of a stage; the original error is clearer.
            raise (listener.error or raised) from raised
    return read_run(workspace.metadata, run_id)


class _Stages:
    """Reports the progress of the stages to the console."""

    def __init__(self, workspace: Workspace, run_id: str, console: Console):
        self._workspace, self._run_id, self._console = workspace, run_id, console
        self.error: Exception | None = None

    def stage_started(self, name: str) -> None:
        self._console.stage_started(name)

    def stage_finished(self, name: str, seconds: float) -> None:
        from pipeline.lineage.runs import read_run

        stage = read_run(self._workspace.metadata, self._run_id).stage(name)
        self._console.stage_finished(name, seconds, stage is not None and stage.cached)

    def stage_failed(self, name: str, seconds: float, error: Exception) -> None:
        self.error = error
        self._console.stage_failed(name, seconds, explain(error).message)


def _read(run: Run, output: str, file: str) -> Any:
    artifact = run.output("Tuner", output)
    assert artifact is not None, f"TFX's Tuner succeeded without the output {output}"
    return json.loads(Path(artifact.path, file).read_text(encoding="utf-8"))


def _write_config(output: Path, settings: Settings, tuned: Mapping[str, Any]) -> None:
    """Writes the settings given for the search, overlaid with the best ones; others keep their defaults."""
    from pipeline.config import given_as_toml

    trainer = settings.trainer.model_copy(update=dict(tuned))
    text = given_as_toml(settings.model_copy(update={"trainer": trainer}))
    write_whole(output, text)
