"""Initialization of a fit (`trainer.warm_start`): from scratch, the live model, or the better of both."""

import dataclasses
from pathlib import Path
from typing import Any, Literal

import tensorflow as tf

from components.class_names import Names
from components.trainer import fitting, progress
from components.trainer.classifier import model
from components.trainer.classifier.pace import Pace
from components.trainer.classifier.warm_start import Transferred, transfer_weights
from components.trainer.preparation import Prepared
from components.trainer.settings import TrainerSettings
from serving.store.manifest import MANIFEST_NAME, Facts, ManifestError, from_json

Origin = Literal["scratch", "live"]


@dataclasses.dataclass(frozen=True)
class Start:
    """The start of the kept fit, under `trainer.warm_start` = `wanted`.

    Attributes:
      origin: the origin of its weights.
      why: the reason, a sentence.
      taken: the transfer of each part of the live model; empty without a warm start.
      compared: for `auto`, origin -> log loss and accuracy on `eval` of each fit.
    """

    wanted: str
    origin: Origin
    why: str
    taken: dict[str, str] = dataclasses.field(default_factory=dict)
    compared: dict[str, dict[str, float]] = dataclasses.field(default_factory=dict)


def fit(
    prepared: Prepared,
    settings: TrainerSettings,
    *,
    base_model: str | None,
    log_dir: str | Path | None = None,
    strategy: Any = None,
    leads: Pace | None = None,
) -> fitting.Fitted:
    """Trains according to `settings.warm_start`; the fit's record has its start.

    Args:
      prepared: the examples.
      settings: the settings of the training.
      base_model: the folder of the live model; None if there is none that can be loaded.
      log_dir: the folder of TensorBoard's logs, if any.
      strategy: the strategy of `tf.distribute`.
      leads: the pace of a refit, for a fit from scratch.

    Raises:
      GreenlightError: a fit diverged.
    """
    settings = settings.scaled(examples=len(prepared.train))
    wanted = settings.warm_start
    if wanted == "off":
        return _fit(prepared, settings, log_dir=log_dir, strategy=strategy, leads=leads)[0]
    if base_model is None:
        scratch, _ = _fit(prepared, settings, log_dir=log_dir, strategy=strategy)
        return _started(scratch, Start(wanted, "scratch", "There is no live model that can be loaded."))
    refit_on_eval = _fitted_on_eval(base_model)
    if wanted == "auto" and refit_on_eval:
        scratch, _ = _fit(prepared, settings, log_dir=log_dir, strategy=strategy)
        why = "The live model was refit on eval, so that a fit that starts from it cannot be judged there."
        return _started(scratch, Start(wanted, "scratch", why))
    live, taken = _fit(
        prepared,
        settings,
        base_model=base_model,
        log_dir=_below(log_dir, "live", wanted=wanted),
        strategy=strategy,
    )
    if taken is None or not taken.anything:
        why = f"Nothing of the live model fits: {taken}."
        return _started(live, Start(wanted, "scratch", why, taken.said if taken else {}))
    if wanted == "live":
        why = "The fit started from the live model."
        if refit_on_eval:
            why += " It was refit on eval, which flatters early stopping and calibration."
        return _started(live, Start(wanted, "live", why, taken.said))
    scratch, _ = _fit(
        prepared, settings, log_dir=_below(log_dir, "scratch", wanted=wanted), strategy=strategy
    )
    return _better(prepared, scratch, live, taken)


def _fit(
    prepared: Prepared,
    settings: TrainerSettings,
    *,
    base_model: str | None = None,
    log_dir: str | Path | None,
    strategy: Any,
    leads: Pace | None = None,
) -> tuple[fitting.Fitted, Transferred | None]:
    """A fit from scratch, or from the fitting parts of the model at `base_model`."""
    classifier = prepared.fresh_classifier(settings)
    taken = None
    if base_model is not None:
        taken = transfer_weights(
            classifier,
            base_model,
            handle=prepared.handle,
            vocabulary=prepared.vocabulary,
            other_classes=_other_classes(base_model, prepared.classes),
        )
        progress.report(f"starting from the live model; {taken}")
    record = fitting.fit(
        classifier,
        model.encoded_feed(classifier),
        train=prepared.train,
        evaluation=prepared.evaluation,
        settings=settings,
        log_dir=log_dir,
        distributed=prepared.distributed(classifier, settings, strategy) if strategy else None,
        leads=leads,
    )
    return (classifier, record), taken


def _fitted_on_eval(folder: str) -> bool:
    """Whether the manifest of the version in `folder` says that its model was fitted on eval, too."""
    facts = _facts(folder)
    return facts is not None and "eval" in facts.fitted_on


def _other_classes(folder: str, classes: Names) -> str | None:
    """A clause about the classes of the version in `folder`, where there are more than two and others."""
    facts = _facts(folder)
    theirs = facts and facts.data.get("settings", {}).get("classes")
    if not theirs or (len(theirs) == 2 and len(classes) == 2) or tuple(theirs) == classes:
        return None
    return f"the live model's classes are {', '.join(theirs)}"


def _facts(folder: str) -> Facts | None:
    """The facts of the version in `folder`; None without a manifest that can be read."""
    path = f"{folder}/{MANIFEST_NAME}"
    if not tf.io.gfile.exists(path):
        return None
    with tf.io.gfile.GFile(path, "rb") as file:
        try:
            return from_json(file.read()).facts
        except ManifestError:
            return None


def _better(
    prepared: Prepared, scratch: fitting.Fitted, live: fitting.Fitted, taken: Transferred
) -> fitting.Fitted:
    """The fit with the lower log loss on `eval`; the one from scratch if both are equal."""
    fits: dict[Origin, fitting.Fitted] = {"scratch": scratch, "live": live}
    compared: dict[str, dict[str, float]] = {
        origin: fitting.quality(classifier, prepared.evaluation) for origin, (classifier, _) in fits.items()
    }
    origin = min(fits, key=lambda origin: compared[origin]["loss"])
    told = ", ".join(
        f"{compared[each]['loss']:.4f} (accuracy {compared[each]['accuracy']:.4f}) from {_NAMES[each]}"
        for each in fits
    )
    why = f"Of two fits the one from {_NAMES[origin]} was kept; the log loss on eval is {told}."
    progress.report(why)
    return _started(fits[origin], Start("auto", origin, why, taken.said, compared))


_NAMES: dict[Origin, str] = {"scratch": "scratch", "live": "the live model"}


def _started(fitted: fitting.Fitted, start: Start) -> fitting.Fitted:
    classifier, record = fitted
    return classifier, dataclasses.replace(record, start=dataclasses.asdict(start))


def _below(log_dir: str | Path | None, origin: Origin, *, wanted: str) -> str | Path | None:
    """A separate folder for each of two fits."""
    return f"{log_dir}/from-{origin}" if log_dir and wanted == "auto" else log_dir
