"""run_fn, which TFX's Trainer calls: load, build, fit, export."""

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from scipy import special
from tfx.components.trainer.fn_args_utils import FnArgs

from components import fitted_splits, threshold
from components.class_names import Names
from components.embeddings.locate import unchanged
from components.embeddings.settings import EmbeddingSettings
from components.reviews import CLASSES
from components.threshold import ThresholdAim
from components.trainer import distribution, fitting, initialization, progress, workers
from components.trainer.classifier import model, signatures
from components.trainer.job import Job
from components.trainer.own_model import stage as own_model
from components.trainer.own_model.module_file import ModuleFile
from components.trainer.preparation import Prepared, prepare
from components.trainer.refit.second_fit import fit_twice
from components.trainer.settings import TrainerSettings
from serving.machine import scratch

HISTORY = "history.json"
"""The file with a fitting.FitRecord in the ModelRun artifact."""


def run_fn(fn_args: FnArgs) -> None:
    """Trains on `fn_args.train_files` and `eval_files`; `component.trainer` made `fn_args.custom_config`."""
    config = fn_args.custom_config
    settings = TrainerSettings.model_validate(config["trainer"])
    classes = _classes(config)
    if config.get("module") is not None:
        module = ModuleFile.model_validate(config["module"])
        record = own_model.run(
            fn_args, module=module, settings=settings, classes=classes, threshold_or_aim=_threshold(config)
        )
        if record is not None:
            threshold.write(os.path.dirname(fn_args.serving_model_dir), record.threshold)
            own = "the model is the user's own (trainer.module)"
            _report_no_refit(own)
            _write_history(dataclasses.replace(record, not_refit=own), fn_args.model_run_dir)
        return
    job = Job(
        settings=settings,
        classes=classes,
        threshold=_threshold(config),
        embedding=EmbeddingSettings.model_validate(config["embedding"]),
        cache_dir=Path(config["cache_dir"]),
        train_files=tuple(fn_args.train_files),
        eval_files=tuple(fn_args.eval_files),
        base_model=_existing(fn_args.base_model),
        judged_split=config.get("judged_split", "eval"),
        model_dir=fn_args.serving_model_dir,
        run_dir=fn_args.model_run_dir,
    )
    with unchanged(job.embedding, cache_dir=job.cache_dir, expected=config["embedding_fingerprint"]):
        if settings.strategy == "multi_worker":
            with scratch.folder("training") as folder:
                workers.run(job.save(folder / "job.json"), workers=settings.workers)
        else:
            carry_out(job)


def _classes(config: Mapping[str, Any]) -> Names:
    return tuple(config.get("classes", CLASSES))


def _threshold(config: Mapping[str, Any]) -> float | ThresholdAim:
    threshold_or_aim = config.get("threshold", threshold.DEFAULT)
    return (
        ThresholdAim.model_validate(threshold_or_aim)
        if isinstance(threshold_or_aim, Mapping)
        else float(threshold_or_aim)
    )


def carry_out(job: Job, *, exports: bool = True) -> None:
    """Trains; only the exporting process writes files.

    Raises:
      GreenlightError: as `train`.
    """
    classifier, record = train(
        settings=job.settings,
        embedding_settings=job.embedding,
        cache_dir=job.cache_dir,
        train_files=list(job.train_files),
        eval_files=list(job.eval_files),
        base_model=job.base_model,
        log_dir=job.run_dir if exports else None,
        judged_split=job.judged_split,
        classes=job.classes,
        threshold_or_aim=job.threshold,
    )
    if exports:
        signatures.export(classifier, job.model_dir, classes=job.classes, threshold=record.threshold)
        fitted_splits.write(os.path.dirname(job.model_dir), record.fitted_on)
        threshold.write(os.path.dirname(job.model_dir), record.threshold)
        _write_history(record, job.run_dir)


def _write_history(record: fitting.FitRecord, run_dir: str) -> None:
    with tf.io.gfile.GFile(f"{run_dir}/{HISTORY}", "w") as file:
        file.write(json.dumps(record.as_dict(), indent=1) + "\n")


def train(
    *,
    settings: TrainerSettings,
    embedding_settings: EmbeddingSettings,
    cache_dir: Path,
    train_files: list[str],
    eval_files: list[str],
    base_model: str | None = None,
    log_dir: str | Path | None = None,
    judged_split: str = "eval",
    classes: Names = CLASSES,
    threshold_or_aim: float | ThresholdAim = threshold.DEFAULT,
) -> tuple[model.Classifier, fitting.FitRecord]:
    """A trained classifier and the record of its fit; deterministic.

    Args:
      train_files: patterns of GZIP TFRecords of examples; eval_files likewise, for early stopping.
      cache_dir: the folder of built and downloaded embeddings.
      base_model: the folder of the live model, for `settings.warm_start`; None if there is none.
      log_dir: the folder of TensorBoard's logs, if any.
      judged_split: the split that the model will be judged on. Unless that is eval, it may be refit.
      classes: the names of the classes.
      threshold_or_aim: the threshold of the positive class, or the aim for which it is chosen on eval. If the
        model is refit, it is chosen by the first fit, which has not seen eval.

    Raises:
      GreenlightError: a split is empty, the embedding cannot be found or used, or the fit diverged.
      InputError: no threshold reaches the aim.
    """
    strategy = distribution.strategy_of(settings)
    prepared = prepare(
        settings,
        embedding_settings,
        cache_dir=cache_dir,
        train_files=train_files,
        eval_files=eval_files,
        judged_split=judged_split,
        classes=classes,
    )
    if prepared.not_refit is None:
        (first, _), (classifier, record) = fit_twice(prepared, settings, log_dir=log_dir, strategy=strategy)
    else:
        first, record = fit_prepared(
            prepared, settings, base_model=base_model, log_dir=log_dir, strategy=strategy
        )
        _report_no_refit(prepared.not_refit)
        classifier, record = first, dataclasses.replace(record, not_refit=prepared.not_refit)
    return classifier, dataclasses.replace(record, threshold=_chosen(threshold_or_aim, first, prepared))


def _report_no_refit(reason: str) -> None:
    progress.report(f"not fitted once more on train and eval (trainer.refit): {reason}")


def _chosen(
    threshold_or_aim: float | ThresholdAim, classifier: model.Classifier, prepared: Prepared
) -> float:
    if not isinstance(threshold_or_aim, ThresholdAim):
        return threshold_or_aim
    logits, labels = fitting.scored(classifier, prepared.evaluation)
    return threshold.choose(threshold_or_aim, labels, special.expit(logits.astype(np.float64)))


def fit_prepared(
    prepared: Prepared,
    settings: TrainerSettings,
    *,
    base_model: str | None = None,
    log_dir: str | Path | None = None,
    strategy: Any = None,
) -> tuple[model.Classifier, fitting.FitRecord]:
    """`train` without a refit on what `prepare` made, for several fits of the same examples.

    `settings` may differ from those of `prepare` in all but n-grams and memory. The fit is under
    `strategy`, of `tf.distribute`, or in this process alone.
    """
    return initialization.fit(prepared, settings, base_model=base_model, log_dir=log_dir, strategy=strategy)


def _existing(base_model: str | None) -> str | None:
    """The folder of the live model; None if the artifact has no SavedModel."""
    return base_model if base_model and tf.saved_model.contains_saved_model(base_model) else None
