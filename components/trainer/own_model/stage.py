"""The Trainer's work where `trainer.module` names the user's code."""

import dataclasses
from collections.abc import Iterator

import tensorflow as tf
from tfx.components.trainer.fn_args_utils import FnArgs

from components.class_names import Names
from components.infra_validator.signatures import signature_problems
from components.threshold import DEFAULT, ThresholdAim, choose
from components.trainer import progress
from components.trainer.fitting import FitRecord
from components.trainer.own_model import export, fit, text_model
from components.trainer.own_model.loading import OwnFunction, imported
from components.trainer.own_model.module_file import ModuleFile
from components.trainer.settings import TrainerSettings
from serving.machine import scratch
from serving.model.classification import class_names
from serving.model.loader import LoadError, load
from serving.model.predictor import Predictor
from serving.status import RequestError


def run(
    fn_args: FnArgs,
    *,
    module: ModuleFile,
    settings: TrainerSettings,
    classes: tuple[str, ...],
    threshold_or_aim: float | ThresholdAim = DEFAULT,
) -> FitRecord | None:
    """Trains and exports with the user's function; None for one that keeps no record, a `run_fn`.

    threshold_or_aim: the threshold of the positive class, or the aim for which it is chosen.

    Raises:
      InputError: the code cannot be used, and the message says what is missing; or no threshold reaches the
        aim.
      GreenlightError: a split is empty, or the fit diverged.
    """
    with imported(module) as function:
        if not module.is_run_fn:
            return _fit(fn_args, function, settings, classes, threshold_or_aim)
        if threshold_or_aim != DEFAULT:
            raise function.problem("run_fn exports its own labels: data.threshold does not reach them.")
        progress.report(f"training by {module.name}")
        function(fn_args)
        _require_model(function, fn_args.serving_model_dir, classes=classes)
        return None


def _fit(
    fn_args: FnArgs,
    function: OwnFunction,
    settings: TrainerSettings,
    classes: tuple[str, ...],
    threshold_or_aim: float | ThresholdAim,
) -> FitRecord:
    train, evaluation = fit.read(settings, train_files=fn_args.train_files, eval_files=fn_args.eval_files)
    progress.report(f"building the model of {function.module.name}")
    texts = train.batches(settings.batch_size).map(lambda text, label: text)
    model = text_model.build(function, texts=texts, settings=settings, classes=classes)
    with scratch.folder("untrained") as folder:  # what cannot be exported is not trained first
        what = "the export of its model, tried before training,"
        export.export(function, model, None, folder, classes=classes, what=what)
    record = fit.fit(
        function,
        model,
        train=train,
        evaluation=evaluation,
        settings=settings,
        log_dir=fn_args.model_run_dir,
    )
    if isinstance(threshold_or_aim, ThresholdAim):
        threshold = choose(threshold_or_aim, *fit.scored(model, record.calibration, evaluation))
    else:
        threshold = threshold_or_aim
    folder = fn_args.serving_model_dir
    export.export(function, model, record.calibration, folder, classes=classes, threshold=threshold)
    return dataclasses.replace(record, threshold=threshold)


def _require_model(function: OwnFunction, folder: str, *, classes: Names) -> None:
    """Refuses what a `run_fn` left if it is not a model with the signatures that are asked."""
    if not tf.saved_model.contains_saved_model(folder):
        raise function.problem("run_fn ended without a SavedModel in fn_args.serving_model_dir.")
    try:
        model = load(folder)
    except LoadError as error:
        raise function.problem(f"the SavedModel that run_fn wrote does not load: {error}.") from error
    try:
        if problems := list(_problems(model, classes)):
            told = "; ".join(problems)
            raise function.problem(f"the SavedModel that run_fn wrote cannot be served: {told}.")
    finally:
        model.close()


def _problems(model: Predictor, classes: Names) -> Iterator[str]:
    """A clause for everything that the signatures lack; of more than two classes, also the names."""
    described = {
        name: {
            "inputs": {key: spec.dtype for key, spec in signature.inputs.items()},
            "outputs": {key: spec.dtype for key, spec in signature.outputs.items()},
        }
        for name, signature in model.signatures.items()
    }
    many = len(classes) > 2
    yield from signature_problems(described, many=many)
    if not many:
        return
    try:
        names = class_names(model)
    except RequestError as error:
        yield f"its signature classify does not give the names of the classes: {error.message}"
        return
    if not any(names):
        yield "it has no signature classify that gives the names of the classes"
    elif names != classes:
        yield f"classify gives the classes {', '.join(names)}, not {', '.join(classes)} in this order"
