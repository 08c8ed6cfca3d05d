"""The refit (`trainer.refit`): a second fit on train and eval, for the epochs that the first fit keeps."""

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from components.trainer import fitting, initialization, progress
from components.trainer.classifier import calibration, model
from components.trainer.classifier.pace import Pace
from components.trainer.preparation import Prepared
from components.trainer.refit import cross_fit
from components.trainer.settings import TrainerSettings


def fit_twice(
    prepared: Prepared, settings: TrainerSettings, *, log_dir: str | Path | None, strategy: Any
) -> tuple[fitting.Fitted, fitting.Fitted]:
    """The first fit, and a model fitted on both splits of `prepared` with the record of both fits.

    The number of epochs and the calibration come from the first fit, whose model has not seen eval: that of
    the refit model would be measured on examples that it was fitted on.

    Few examples are cross-fitted instead: the epochs and the calibration come from several held-out parts,
    of which eval is one (see `cross_fit`).

    The second fit runs beside the first and follows it: whenever the first fit has improved, it takes
    another epoch. A fit keeps little more than one core busy. Under a strategy, it comes after the first.

    Args:
      prepared: examples that were prepared for a refit.
      settings: the settings of the first fit.
      log_dir: the folder of TensorBoard's logs of the first fit, if any.
      strategy: the strategy of `tf.distribute`; None for this process alone.

    Raises:
      GreenlightError: a fit diverged.
    """
    pace = Pace()
    if cross_fit.applies(prepared, settings, strategy=strategy):
        return _fit_to_few(prepared, settings, pace, log_dir=log_dir)
    # Without a strategy built before the first fit starts, because that seeds the random numbers of both.
    second = None if strategy else _second(prepared, settings, pace)
    with ThreadPoolExecutor(1) as beside:
        fitted = beside.submit(second) if second else None
        epochs = 0
        try:
            first = initialization.fit(
                prepared, settings, base_model=None, log_dir=log_dir, strategy=strategy, leads=pace
            )
            epochs = first[1].restored_epoch
        finally:
            pace.reached(epochs, final=True)
        again = fitted.result() if fitted else _second(prepared, settings, pace, strategy=strategy)()
    assert again is not None
    return first, _with_both_records(first[1], *again)


def _fit_to_few(
    prepared: Prepared, settings: TrainerSettings, pace: Pace, *, log_dir: str | Path | None
) -> tuple[fitting.Fitted, fitting.Fitted]:
    """`fit_twice` for few examples, with the epochs and the calibration of several held-out parts."""

    def fit(part: Prepared, settings: TrainerSettings) -> fitting.Fitted:
        logs = log_dir if part is prepared else None
        return initialization.fit(part, settings, base_model=None, log_dir=logs, strategy=None)

    found = cross_fit.cross_fit(prepared, settings, fit)
    pace.reached(found.epochs, final=True)
    again = _second(prepared, settings, pace)()
    assert again is not None
    return found.first, _with_both_records(found.first[1], *again, parts=found.parts)


def _second(
    prepared: Prepared, settings: TrainerSettings, pace: Pace, *, strategy: Any = None
) -> Callable[[], fitting.Fitted | None]:
    """Builds the second classifier. The function fits it once there is a pace; None if there is none."""
    # The steps are those of the first fit, whose number of epochs this one takes.
    scaled = settings.scaled(examples=len(prepared.train)).model_copy(update={"early_stopping": False})
    refit = dataclasses.replace(prepared, vocabulary=prepared.vocabulary_of_both)
    classifier = refit.fresh_classifier(scaled)
    distributed = refit.distributed(classifier, scaled, strategy) if strategy else None

    def fit() -> fitting.Fitted | None:
        if not pace.allows(1):
            return None
        both = prepared.together()
        progress.report(
            f"fitting a second model on {len(both):,} examples of train and eval (trainer.refit): the gate "
            "judges on a split that neither fit has seen"
        )
        feed = model.encoded_feed(classifier)
        record = fitting.fit(
            classifier, feed, train=both, settings=scaled, distributed=distributed, follows=pace
        )
        return classifier, record

    return fit


def _with_both_records(
    first: fitting.FitRecord,
    classifier: model.Classifier,
    second: fitting.FitRecord,
    *,
    parts: int = 1,
) -> fitting.Fitted:
    """The second model with the first one's calibration."""
    if first.calibration:
        calibration.fold(first.calibration, classifier.head.get_layer("logit"))
    said = fitting.Refit(
        reviews=second.examples["train"],
        epochs=len(second.epochs),
        last=second.epochs[-1],
        seconds=second.seconds,
        parts=parts,
    )
    return classifier, dataclasses.replace(first, refit=said, parameters=second.parameters)
