"""The Trainer's work where `trainer.module` names the user's code."""

import dataclasses

import tensorflow as tf
from tfx.components.trainer.fn_args_utils import FnArgs

from components.infra_validator.signatures import signature_problems
from components.threshold import DEFAULT, ThresholdAim, choose
from components.trainer import progress
from components.trainer.fitting import FitRecord
from components.trainer.own_model import export, fit, text_model
from components.trainer.own_model.loading import OwnFunction, imported
from components.trainer.own_model.module_file import ModuleFile
from components.trainer.settings import TrainerSettings
from serving.machine import scratch
from serving.model.loader import LoadError, load


def run(
    fn_args: FnArgs,
    *,
    module: ModuleFile,
    settings: TrainerSettings,
    classes: tuple[str, ...],
    wanted: float | ThresholdAim = DEFAULT,
) -> FitRecord | None:
    """Trains and exports with the user's function; None for one that keeps no record, a `run_fn`.

    wanted: the threshold of the positive class, or the aim for which it is chosen.

    Raises:
      InputError: the code cannot be used, and the message says what is missing; or no threshold reaches the
        aim.
      GreenlightError: a split is empty, or the fit diverged.
    """
    with imported(module) as function:
        if not module.is_run_fn:
            return _fit(fn_args, function, settings, classes, wanted)
        if wanted != DEFAULT:
            raise function.problem("run_fn exports its own labels: data.threshold does not reach them.")
        progress.report(f"training by {module.name}")
        function(fn_args)
        _require_model(function, fn_args.serving_model_dir, many=len(classes) > 2)
        return None


def _fit(
    fn_args: FnArgs,
    function: OwnFunction,
    settings: TrainerSettings,
    classes: tuple[str, ...],
    wanted: float | ThresholdAim,
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
    if isinstance(wanted, ThresholdAim):
        cut = choose(wanted, *fit.scored(model, record.calibration, evaluation))
    else:
        cut = wanted
    export.export(function, model, record.calibration, fn_args.serving_model_dir, classes=classes, cut=cut)
    return dataclasses.replace(record, threshold=cut)


def _require_model(function: OwnFunction, folder: str, *, many: bool) -> None:
    """Refuses what a `run_fn` left if it is not a model with the two signatures that are asked.

    many: whether there are more than two classes.
    """
    if not tf.saved_model.contains_saved_model(folder):
        raise function.problem("run_fn ended without a SavedModel in fn_args.serving_model_dir.")
    try:
        signatures = load(folder).signatures
    except LoadError as error:
        raise function.problem(f"the SavedModel that run_fn wrote does not load: {error}.") from error
    described = {
        name: {
            "inputs": {key: spec.dtype for key, spec in signature.inputs.items()},
            "outputs": {key: spec.dtype for key, spec in signature.outputs.items()},
        }
        for name, signature in signatures.items()
    }
    if problems := list(signature_problems(described, many=many)):
        raise function.problem(f"the SavedModel that run_fn wrote cannot be served: {'; '.join(problems)}.")
