"""The refit (`trainer.refit`): a second fit on train and eval, for the epochs that the first fit kept."""

import dataclasses
from typing import Any

from components.trainer import fitting, progress
from components.trainer.classifier import calibration, model
from components.trainer.preparation import Prepared
from components.trainer.settings import TrainerSettings

Fitted = tuple[model.Classifier, fitting.FitRecord]


def refit(
    prepared: Prepared, settings: TrainerSettings, first: fitting.FitRecord, *, strategy: Any
) -> Fitted:
    """A model fitted on both splits of `prepared`, and the record of the first fit with this one's.

    The number of epochs and the calibration come from the first fit, whose model has not seen eval: that of
    the refit model would be measured on examples that it was fitted on.

    Args:
      prepared: examples that were prepared for a refit.
      settings: the settings of the first fit.
      first: its record.
      strategy: the strategy of `tf.distribute`; None for this process alone.

    Raises:
      GreenlightError: the fit diverged.
    """
    together = prepared.together()
    epochs = first.restored_epoch
    progress.report(
        f"fitting once more, on {len(together.train):,} examples of train and eval for {epochs} epochs "
        "(trainer.refit): the gate judges on a split that neither fit has seen"
    )
    # The steps are those of the first fit, whose number of epochs this one takes.
    scaled = settings.scaled(examples=len(prepared.train))
    chosen = scaled.model_copy(update={"epochs": epochs, "early_stopping": False})
    classifier = together.fresh_classifier(chosen)
    second = fitting.fit(
        classifier,
        model.encoded_feed(classifier),
        train=together.train,
        settings=chosen,
        distributed=together.distributed(classifier, chosen, strategy) if strategy else None,
    )
    if first.calibration:
        calibration.fold(first.calibration, classifier.head.get_layer("logit"))
    said = fitting.Refit(
        reviews=len(together.train), epochs=epochs, last=second.epochs[-1], seconds=second.seconds
    )
    return classifier, dataclasses.replace(first, refit=said, parameters=second.parameters)
