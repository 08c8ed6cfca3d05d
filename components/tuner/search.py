"""tuner_fn, which TFX's Tuner calls: a random search that starts with the current settings."""

from pathlib import Path
from typing import Any

import keras_tuner
from keras_tuner.engine import base_tuner, trial
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.components.tuner.component import TunerFnResult

from components.embeddings.settings import EmbeddingSettings
from components.errors import GreenlightError
from components.reviews import CLASSES
from components.trainer import progress
from components.trainer.classifier.callbacks import Diverged
from components.trainer.settings import TrainerSettings
from components.tuner.fit_cache import FitCache, FitResult
from components.tuner.settings import TuneSettings
from components.tuner.space import applied, space

OBJECTIVE = "log_loss"
"""Of the eval split, after calibration: unlike the fit's own loss it can be compared between settings."""


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """Searches on `fn_args.train_files` and `eval_files`; `component.tuner` made `fn_args.custom_config`."""
    config = fn_args.custom_config
    tune = TuneSettings.model_validate(config["tune"])
    trainer = TrainerSettings.model_validate(config["trainer"])
    fits = FitCache(
        Path(config["fits"]),
        train_files=fn_args.train_files,
        eval_files=fn_args.eval_files,
        cache_dir=Path(config["cache_dir"]),
        classes=tuple(config.get("classes", CLASSES)),
    )
    embedding = EmbeddingSettings.model_validate(config["embedding"])
    return TunerFnResult(Search(tune, trainer, embedding, fits, working_dir=fn_args.working_dir), {})


class Search(base_tuner.BaseTuner):
    """The trials, one after another, through `fits`, which keeps the result of each.

    So a search that was killed is made anew, and comes in no time to where it was: the same seed proposes the
    same trials. What KerasTuner writes to `working_dir` is not needed for it.
    """

    def __init__(
        self,
        tune: TuneSettings,
        trainer: TrainerSettings,
        embedding: EmbeddingSettings,
        fits: FitCache,
        *,
        working_dir: str,
    ):
        super().__init__(
            oracle=_AsTheyAreFirst(tune, space(tune, trainer)),
            directory=working_dir,
            project_name="trials",
            overwrite=True,
        )
        self._tune, self._trainer, self._embedding, self._fits = tune, trainer, embedding, fits
        self._best: FitResult | None = None

    def run_trial(self, trial: trial.Trial, *fit_args: Any, **fit_kwargs: Any) -> dict[str, float]:
        """One fit with the trial's values."""
        values = trial.hyperparameters.values
        number = f"trial {len(self.oracle.trials)}/{self._tune.trials}"
        told = ", ".join(f"{name} {value}" for name, value in values.items())
        progress.report(f"{number}: {told}")
        try:
            measured = self._fits.of(applied(values, self._trainer), self._embedding)
        except Diverged as error:
            progress.report(f"{number}: {error}")
            raise keras_tuner.errors.FailedTrialError(str(error)) from error
        except Exception as error:
            # Whatever else fails would fail again in the next trial.
            raise keras_tuner.errors.FatalError(str(error)) from error
        self.oracle.seconds += measured.seconds
        if self._best is None or measured.log_loss < self._best.log_loss:
            self._best = measured
        progress.report(
            f"{number}: log loss {measured.log_loss:.4f}, accuracy {measured.accuracy:.4f}; the best so far "
            f"{self._best.log_loss:.4f}"
        )
        return {OBJECTIVE: measured.log_loss}

    def on_search_end(self) -> None:
        """Raises GreenlightError where no trial came to an end."""
        if self._best is None:
            raise GreenlightError(
                "Every trial diverged: the loss was no longer a number. Lower the values of "
                "tune.learning_rate."
            )


class _AsTheyAreFirst(keras_tuner.oracles.RandomSearchOracle):
    """Random search without repetition, after the settings as they are; it ends when the time is used up."""

    def __init__(self, tune: TuneSettings, hyperparameters: keras_tuner.HyperParameters):
        super().__init__(
            objective=keras_tuner.Objective(OBJECTIVE, direction="min"),
            max_trials=tune.trials,
            seed=tune.seed,
            hyperparameters=hyperparameters,
            max_consecutive_failed_trials=tune.trials + 1,
        )
        self._most_seconds = 60 * tune.minutes if tune.minutes else float("inf")
        self.seconds = 0.0

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        if not self.trials:
            as_they_are = {one.name: one.default for one in self.hyperparameters.space}
            return {"status": trial.TrialStatus.RUNNING, "values": as_they_are}
        if self.seconds >= self._most_seconds:
            return {"status": trial.TrialStatus.STOPPED}
        return super().populate_space(trial_id)
