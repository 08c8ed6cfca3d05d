"""The local runner: a run on this machine from settings to result."""

from __future__ import annotations

import dataclasses
import gc
import logging
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from components.errors import DataStopped, GreenlightError, InputError, MachineFault
from pipeline.config import to_toml
from pipeline.console import run_log
from pipeline.failure import Failure, explain
from pipeline.preflight.classes import with_learned_classes
from pipeline.preflight.training import require_run
from pipeline.results.outcome import RunResult, StageTiming
from pipeline.settings.alerts import AlertSettings
from pipeline.termination import interruption_behind
from pipeline.workspace.layout import Workspace, new_run_id
from serving.errors import StoreError
from serving.machine import faults, scratch

if TYPE_CHECKING:
    from pipeline.config import Settings
    from pipeline.console.plain import Console
    from pipeline.lineage.runs import Run
    from serving.store.records import Version

T = TypeVar("T")

_log = logging.getLogger(__name__)


def run(
    settings: Settings, *, console: Console, use_cache: bool = True, run_id: str | None = None
) -> RunResult:
    """One whole run in `settings.workspace`: from the data to a promoted model, or to the reason against it.

    An error that stops the run becomes part of the result, which is also saved as `runs/<run>/result.json`.
    The output of libraries and all tracebacks go to `runs/<run>/run.log`.

    Args:
      run_id: the id for this run, made by `new_run_id`; None for a new one.

    Raises:
      InputError: the workspace cannot be used, a run of this id exists, or a check of
        `pipeline.preflight.training.require_run` failed.
      GreenlightError: another run is using the workspace, or its lineage store is damaged.
      KeyboardInterrupt: the run was interrupted; no version is left half pushed.
    """
    stopped = None
    try:
        settings = with_learned_classes(settings, tell=console.note)
        require_run(settings)
    except DataStopped as error:  # becomes the verdict of the run, once there is one
        stopped = error
    workspace = Workspace.of(settings)
    workspace.create()
    run_id = run_id or new_run_id()
    if workspace.run(run_id).exists():
        raise InputError(f"Run {run_id} already exists in {workspace.root}.")
    with (
        _written_in(workspace),
        workspace.exclusively(),
        scratch.holding_temporary_files("run"),
        run_log.capture(workspace.log(run_id)),
        workspace.under_way(run_id),
    ):
        without_addresses = settings.model_copy(update={"alerts": AlertSettings()})
        workspace.settings(run_id).write_text(to_toml(without_addresses), encoding="utf-8")
        attempt = _Attempt(settings, workspace, run_id, console)
        result = attempt.stopped(stopped) if stopped else attempt.result(use_cache=use_cache)
        return attempt.kept(result)


@contextmanager
def _written_in(workspace: Workspace) -> Iterator[None]:
    """Reports an error of writing in the block as one of the workspace.

    Raises:
      MachineFault: the workspace cannot be written, because of a fault of the machine.
    """
    try:
        yield
    except OSError as error:
        failure = explain(error, place=workspace.root)
        if failure.machine:
            raise MachineFault(failure.message) from error
        raise


class _Attempt:
    """One run from its first import to its result; also the listener of the orchestrator's stages."""

    def __init__(self, settings: Settings, workspace: Workspace, run_id: str, console: Console):
        self._settings = settings
        self._workspace = workspace
        self._run_id = run_id
        self._console = console
        self._stages: list[StageTiming] = []
        self._stage_error: Exception | None = None
        self._started = time.monotonic()

    def result(self, *, use_cache: bool) -> RunResult:
        try:
            self._execute(use_cache=use_cache)
            result = self._outcome()
        except Exception as raised:
            _log.error("%s", traceback.format_exc())
            if interruption := interruption_behind(raised):
                raise interruption from raised
            # Beam wraps the error of a stage; the original error is clearer.
            result = self._failure(self._stage_error or raised)
        return self._with_report(result)

    def stopped(self, error: DataStopped) -> RunResult:
        """The result of a run that was stopped before its first stage."""
        _log.error("%s", error)
        return self._with_report(self._failure(error))

    def kept(self, result: RunResult) -> RunResult:
        """Saves the result and returns it; if saving fails, with a note and the same verdict."""
        try:
            result.save(self._workspace.result(self._run_id))
        except OSError as error:
            _log.error("%s", traceback.format_exc())
            why = explain(error, place=self._workspace.root).message
            note = f"The result could not be saved, so `greenlight runs` does not list it: {why}"
            return dataclasses.replace(result, notes=(*result.notes, note))
        return result

    # Below: what the orchestrator calls.

    def stage_started(self, name: str) -> None:
        self._console.stage_started(name)

    def stage_finished(self, name: str, seconds: float) -> None:
        from pipeline.lineage.runs import read_run
        from pipeline.results.data_account import check_warnings

        run = read_run(self._workspace.metadata, self._run_id)
        stage = run.stage(name)
        timing = StageTiming(name, seconds, cached=stage is not None and stage.cached)
        self._stages.append(timing)
        self._console.stage_finished(name, seconds, timing.cached)
        if name == "DataCheck":
            for line in self._or_none("warnings of the data check", lambda: check_warnings(run)) or ():
                self._console.note(f"warning: {line}")

    def stage_failed(self, name: str, seconds: float, error: Exception) -> None:
        self._stages.append(StageTiming(name, seconds))
        self._stage_error = error
        told = "interrupted" if interruption_behind(error) else self._explained(error).message
        self._console.stage_failed(name, seconds, told)

    # Below: the run itself.

    def _execute(self, *, use_cache: bool) -> None:
        self._console.note("Loading TensorFlow and TFX ...")
        with _garbage_kept():
            from components.trainer import progress
            from pipeline.engine.beam_orchestrator import run_dag
            from pipeline.engine.stages import create_local_pipeline
            from pipeline.job_server import session
            from pipeline.workspace.relocation import relocate_artifacts

        self._prepare_model()
        if moved := relocate_artifacts(self._workspace):
            _log.info("the workspace was moved: %d artifacts got their new addresses", moved)
        dag = create_local_pipeline(self._settings, self._workspace, use_cache=use_cache)
        with (
            session.opened(self._settings.beam, cache=self._settings.cache, progress=self._console.note),
            ExitStack() as while_training,
            progress.reporting_to(self._training(while_training)),
        ):
            run_dag(dag, run_id=self._run_id, listener=self, lineage=self._workspace.metadata)

    def _prepare_model(self) -> None:
        """Finds out before the first stage that the Trainer could not build its model."""
        if (name := self._settings.trainer.module) is not None:
            from components.trainer.own_model.loading import require_importable

            require_importable(name)
            return
        from components.embeddings.locate import locate

        handle = locate(self._settings.embedding, cache_dir=self._settings.cache, progress=self._console.note)
        _log.info("embedding %s is at %s", self._settings.embedding.name, handle)

    def _training(self, beside: ExitStack) -> Callable[[str], None]:
        """The callback for each progress line of the Trainer.

        The first line also starts the canary process, which imports TensorFlow on another core meanwhile.
        """
        from components.infra_validator.process import started_early

        waiting = [started_early] if self._settings.infra.enabled else []

        def told(line: str) -> None:
            if waiting:
                beside.enter_context(waiting.pop()())
            self._console.progress("Trainer", line)

        return told

    def _outcome(self) -> RunResult:
        from pipeline.lineage.runs import read_run
        from pipeline.results.verdicts import judge_run

        live = self._live()
        run = read_run(self._workspace.metadata, self._run_id)
        return judge_run(run, live=live, facts=self._facts(live))

    def _failure(self, error: Exception) -> RunResult:
        failure, facts = self._explained(error), self._facts(self._live()) | self._data(error)
        if failure.exit_code == DataStopped.exit_code:
            reasons = tuple(failure.message.splitlines())
            return RunResult(verdict="stopped", reasons=reasons, error_kind=failure.kind, **facts)
        return RunResult(
            verdict="failed",
            error=failure.message,
            error_code=failure.exit_code,
            machine_fault=failure.machine,
            error_kind=failure.kind,
            **facts,
        )

    def _explained(self, error: Exception) -> Failure:
        """The failure for an error; for one without a type, the lineage store is checked, too."""
        failure = explain(error, place=self._workspace.root)
        if not isinstance(error, GreenlightError) and not failure.machine and failure.exit_code == 1:
            fault = self._workspace.metadata.fault(thorough=True)
            return explain(fault) if fault else failure
        return failure

    def _facts(self, live: Version | None) -> dict[str, Any]:
        """The fields that every result has, whatever the verdict."""
        return {
            "version": str(live.number) if live else None,
            "model_path": live.path if live else None,
            "run": self._run_id,
            "stages": tuple(self._stages),
            "seconds": time.monotonic() - self._started,
            "log": str(self._workspace.log(self._run_id)),
        }

    def _data(self, error: Exception) -> dict[str, Any]:
        """The account of the rows, if the run has read them or was stopped because of them."""
        from pipeline.results import data_account

        stopped = (one for one in faults.causes(error) if isinstance(one, DataStopped))
        account = next((one.account for one in stopped if one.account), None)
        if account is None and (run := self._or_none("account of the rows", self._recorded)):
            account = data_account.data_account(run)
        return {"data": account, "notes": tuple(data_account.notes(account))}

    def _live(self) -> Version | None:
        from pipeline.workspace.version_store import store_root
        from serving.versions import VersionStore

        try:
            return VersionStore(store_root(self._settings)).live()
        except StoreError as error:
            _log.error("%s", error)
            return None

    def _with_report(self, result: RunResult) -> RunResult:
        """Adds the report, and the card of a new version; if one cannot be written, the verdict and the other
        stay as they are.
        """
        recorded = self._or_none("report", self._recorded)
        if recorded is None:
            return result
        report = self._or_none("report", lambda: self._write_report(recorded, result))
        if result.verdict == "promoted":
            self._or_none("model card", lambda: self._write_card(recorded, result))
        seconds = time.monotonic() - self._started
        return dataclasses.replace(result, report=str(report) if report else None, seconds=seconds)

    def _or_none(self, what: str, make: Callable[[], T]) -> T | None:
        """What `make` returns; None, with a note about `what`, if it fails: the verdict stays as it is."""
        try:
            return make()
        except Exception:
            _log.error("The %s was not written:\n%s", what, traceback.format_exc())
            self._console.note(f"The {what} could not be written; the log says why.")
            return None

    def _recorded(self) -> Run:
        from pipeline.lineage.runs import Run, read_run

        return read_run(self._workspace.metadata, self._run_id) if self._stages else Run(self._run_id, ())

    def _write_report(self, recorded: Run, result: RunResult) -> Path:
        from pipeline.report.page import write_report

        return write_report(recorded, result, self._settings, workspace=self._workspace.root)

    def _write_card(self, recorded: Run, result: RunResult) -> None:
        from pipeline.report import model_card

        model_card.write(recorded, result, self._settings, workspace=self._workspace)


@contextmanager
def _garbage_kept() -> Iterator[None]:
    """No garbage collection in the block.

    Imports create millions of lasting objects; collecting garbage among them takes a sixth of the time.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
