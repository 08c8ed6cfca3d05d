"""The executor of the Evaluator: predictions, TFMA's evaluation, the verdict and the blessing."""

import dataclasses
import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from absl import logging
from tfx.components.evaluator import executor as tfx_executor
from tfx.dsl.io import fileio
from tfx.types import Artifact, artifact_utils
from tfx.types import standard_component_specs as specs
from tfx.utils import io_utils, json_utils, path_utils

from components import fitted_splits, threshold
from components.class_names import Names, names_in
from components.evaluator import predictions as predictions_file
from components.evaluator import verdict as verdict_file
from components.evaluator.blessing import bless, record_verdict
from components.evaluator.checklist.answers import negation
from components.evaluator.driver import EARLIER, record_judged
from components.evaluator.exposure.data_settings import data_of, differences, slice_columns_of
from components.evaluator.exposure.production import Training, training_of
from components.evaluator.exposure.training_reviews import EVAL, TRAIN, TrainingReviews, hashes
from components.evaluator.judgment.classes.shared import in_our_order, shared
from components.evaluator.judgment.judge import judge
from components.evaluator.judgment.metrics import of_answer
from components.evaluator.judgment.samples import Exposure
from components.evaluator.judgment.testset import digest
from components.evaluator.judgment.wording import render
from components.evaluator.predict import ModelError, Scorer, score
from components.evaluator.predictions import Predictions, not_probabilities
from components.evaluator.settings import GateSettings
from components.evaluator.split_files import split_files
from components.evaluator.tfma import inputs as tfma_inputs
from components.evaluator.tfma.agreement import candidate_metrics, check_agreement, check_validation
from components.evaluator.verdict import Baseline, Verdict
from components.no_model import is_none, problem_of
from components.reviews import CLASSES, LABEL, LENGTH, SPAN, TEXT
from serving.store.manifest import REVIEWS_NAME

GATE_KEY = "gate"
CHECKLIST = "checklist"
"""The property that says whether the models are asked the sentences with negations: 1 or 0."""
BASE_MODEL = "base_model"
"""The input with the model whose weights the candidate may have started from."""
_TFMA_INPUT = "tfma_input"
"""The folder in that of the evaluation with TFMA's examples, while it reads them."""

_Artifacts = dict[str, list[Artifact]]


class Executor(tfx_executor.Executor):
    """TFX's Evaluator with a verdict and its reasons.

    Beside TFMA's files, the evaluation's folder gets `verdict.json`, `predictions.parquet` and the record of
    the examples that the candidate was trained on, which is pushed with it. The blessing follows the verdict,
    which covers all conditions of the gate, including TFMA's thresholds.
    """

    def Do(self, input_dict: _Artifacts, output_dict: _Artifacts, exec_properties: dict[str, Any]) -> None:
        """Evaluates the candidate and, if it still works, the baseline.

        Args:
          input_dict: examples, model, optionally baseline_model, as TFX's Evaluator takes them; a
            baseline_model may say that there is none. Optionally base_model, the one that training may have
            started from.
          output_dict: evaluation and blessing.
          exec_properties: those of TFX's Evaluator, with one split in example_splits, and `gate`:
            GateSettings as JSON; `earlier_candidates`: what the driver found, if one ran; `checklist`: 1
            for models of English film reviews.

        Raises:
          GreenlightError: the candidate cannot be evaluated, or TFMA disagrees with its predictions.
        """
        input_dict = _without_missing_baseline(input_dict)
        gate = GateSettings.model_validate_json(exec_properties[GATE_KEY])
        (split,) = json_utils.loads(exec_properties[specs.EXAMPLE_SPLITS_KEY])
        evaluation = artifact_utils.get_single_instance(output_dict[specs.EVALUATION_KEY])
        classes = names_in(input_dict[specs.EXAMPLES_KEY])
        production = _production_training(input_dict)
        baseline_classes = _classes_of(production, classes)
        scorers, baseline = _scorers(input_dict, classes=classes, baseline_classes=baseline_classes)
        # The hashes of the training texts are made in Python, while TensorFlow predicts.
        with ThreadPoolExecutor(1) as beside:
            hashed = beside.submit(_candidate_training, input_dict)
            predictions, baseline = _predict(
                input_dict,
                split,
                scorers=scorers,
                baseline=baseline,
                classes=classes,
                baseline_classes=baseline_classes,
            )
            training = hashed.result()
        predictions = _with_thresholds(
            predictions, input_dict, production, classes=classes, baseline_classes=baseline_classes
        )
        exposure = _exposure(input_dict, predictions, training, production, split)
        same_set = set(baseline_classes) == set(classes)
        verdict = judge(
            gate,
            predictions,
            split=split,
            baseline=baseline,
            newest_span=_newest_span(input_dict, predictions),
            spans=_spans(input_dict, production),
            exposure=exposure,
            earlier_candidates=_earlier_candidates(exec_properties, predictions),
            classes=classes,
            shared_classes=None if same_set else shared(classes, baseline_classes),
        )
        same_classes = baseline_classes == classes
        if exec_properties.get(CHECKLIST):
            before = scorers.get(specs.BASELINE_MODEL_KEY) if same_classes else None
            answers = negation(predictions, scorers[specs.MODEL_KEY], before)
            verdict = dataclasses.replace(verdict, negation=answers)

        fileio.makedirs(evaluation.uri)
        _write(evaluation, REVIEWS_NAME, training.to_bytes())
        if not_probabilities(predictions.scores) is None:
            # TFMA judges all examples, and has one threshold for the labels of both models.
            same_labels = same_classes and (
                predictions.baseline_scores is None or predictions.baseline_threshold == predictions.threshold
            )
            judges = same_labels and bool(exposure.unseen(len(predictions)).all())
            measured = predictions if same_classes else predictions.without_baseline()
            self._evaluate_with_tfma(
                measured, verdict, input_dict, output_dict, exec_properties, split=split, judges=judges
            )
        else:
            logging.warning("TFMA is left out: it cannot work with numbers that are not probabilities.")

        _write(evaluation, predictions_file.FILE_NAME, _with_exposure(predictions, exposure).to_bytes())
        io_utils.write_string_file(os.path.join(evaluation.uri, verdict_file.FILE_NAME), verdict.to_json())
        record_verdict(evaluation, verdict)
        record_judged(
            evaluation,
            test_set=digest(predictions),
            models=input_dict[specs.MODEL_KEY],
            examples=input_dict[specs.EXAMPLES_KEY],
        )
        blessing = artifact_utils.get_single_instance(output_dict[specs.BLESSING_KEY])
        bless(
            blessing,
            verdict,
            models=input_dict[specs.MODEL_KEY],
            baselines=input_dict.get(specs.BASELINE_MODEL_KEY, ()),
        )
        record_verdict(blessing, verdict)
        logging.info("%s", "\n".join(render(verdict)))

    def _evaluate_with_tfma(
        self,
        predictions: Predictions,
        verdict: Verdict,
        input_dict: _Artifacts,
        output_dict: _Artifacts,
        exec_properties: dict[str, Any],
        *,
        split: str,
        judges: bool,
    ) -> None:
        """Runs TFMA on the predictions, and checks the verdict against its metrics.

        Args:
          judges: whether TFMA's validation by the gate's thresholds is checked as well.

        Raises:
          GreenlightError: the two disagree.
        """
        evaluation = artifact_utils.get_single_instance(output_dict[specs.EVALUATION_KEY])
        folder = os.path.join(evaluation.uri, _TFMA_INPUT)
        examples = tfma_inputs.write_examples(predictions, folder, split)
        super().Do(
            tfma_inputs.artifacts(input_dict, examples, baseline=predictions.baseline_scores is not None),
            output_dict,
            tfma_inputs.properties(exec_properties, predictions.threshold, judges=judges),
        )
        fileio.rmtree(folder)  # predictions.parquet has all of it
        check_agreement(candidate_metrics(evaluation.uri), predictions)
        if judges:
            check_validation(evaluation.uri, verdict)


def _classes_of(production: Training, classes: Names) -> Names:
    """The classes of the model in production; those of the candidate where they are not known."""
    if not production.data:
        return classes
    return tuple(production.data.get("settings", {}).get("classes") or CLASSES)


def _not_comparable(baseline_classes: Names, classes: Names) -> str | None:
    """Why the model in production cannot be compared, where fewer than two classes are shared; else None."""
    if len(shared(classes, baseline_classes)) > 1:
        return None
    order = "data.classes, the positive one last" if len(classes) == 2 else "data.classes"
    return (
        f"its classes are {_listed(baseline_classes)}, those of the data {_listed(classes)} ({order}), so "
        "the two cannot be compared"
    )


def _listed(names: Names) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _scorers(
    input_dict: _Artifacts, *, classes: Names, baseline_classes: Names
) -> tuple[dict[str, Scorer], Baseline | None]:
    """The loaded models, and the baseline with its problem if it cannot be loaded or compared.

    classes, baseline_classes: those of the candidate and of the baseline.
    """
    candidate = artifact_utils.get_single_instance(input_dict[specs.MODEL_KEY])
    scorers = {specs.MODEL_KEY: Scorer(_folder(candidate), classes=len(classes))}
    baseline = None
    if input_dict.get(specs.BASELINE_MODEL_KEY):
        artifact = artifact_utils.get_single_instance(input_dict[specs.BASELINE_MODEL_KEY])
        problem = problem_of(artifact) or _not_comparable(baseline_classes, classes)
        baseline = Baseline(model_uri=artifact.uri, problem=problem)
        try:
            if baseline.problem is None:
                scorers[specs.BASELINE_MODEL_KEY] = Scorer(_folder(artifact), classes=len(baseline_classes))
        except ModelError as error:
            baseline = dataclasses.replace(baseline, problem=str(error))
    return scorers, baseline


def _predict(
    input_dict: _Artifacts,
    split: str,
    *,
    scorers: Mapping[str, Scorer],
    baseline: Baseline | None,
    classes: Names,
    baseline_classes: Names,
) -> tuple[Predictions, Baseline | None]:
    """Predicts the split with the models in one pass; a failing baseline is described, not compared.

    classes, baseline_classes: those of the candidate and of the baseline.
    """
    metadata = slice_columns_of(input_dict[specs.EXAMPLES_KEY])
    files = split_files(input_dict[specs.EXAMPLES_KEY], split)
    columns, scores, problems = score(files, scorers, slice_columns=metadata)
    if specs.MODEL_KEY in problems:
        raise ModelError(f"The model that was just trained cannot be evaluated: {problems[specs.MODEL_KEY]}")
    old = scores.get(specs.BASELINE_MODEL_KEY)
    problem = problems.get(specs.BASELINE_MODEL_KEY) or (None if old is None else not_probabilities(old))
    if baseline is not None and problem:
        baseline, old = dataclasses.replace(baseline, problem=problem), None
    if old is not None and baseline_classes != classes:
        old = in_our_order(old, ours=classes, theirs=baseline_classes)
    text = _texts(columns[TEXT])
    return (
        Predictions(
            text=text,
            text_id=hashes(text),
            label=columns[LABEL].astype("int8" if len(classes) < 128 else "int16"),
            length=_texts(columns[LENGTH]),
            span=columns[SPAN] if columns[SPAN].any() else None,
            slices={name: _texts(columns[name]) for name in metadata} or None,
            **_probabilities(scores[specs.MODEL_KEY], old),
        ),
        baseline,
    )


def _probabilities(ours: np.ndarray, theirs: np.ndarray | None) -> dict[str, Any]:
    """The fields of Predictions for the probabilities of both models, float32 [N] or [N, K]."""
    if ours.ndim == 1:
        return {"probability": ours, "baseline_probability": theirs}
    return {
        "probability": of_answer(ours),
        "probabilities": ours,
        "baseline_probability": None if theirs is None else of_answer(theirs),
        "baseline_probabilities": theirs,
    }


def _candidate_training(input_dict: _Artifacts) -> TrainingReviews:
    """The examples that the candidate, or the model that it may have started from, has seen."""
    found = TrainingReviews.of_examples(input_dict[specs.EXAMPLES_KEY], (TRAIN, EVAL))
    if EVAL in fitted_splits.read(artifact_utils.get_single_instance(input_dict[specs.MODEL_KEY]).uri):
        found = found.refit()
    for base in input_dict.get(BASE_MODEL) or ():
        if not is_none(base) and (earlier := training_of(_folder(base)).reviews):
            found = found.including(earlier)
    return found


def _production_training(input_dict: _Artifacts) -> Training:
    """What is known of the training of the model in production; nothing where there is none."""
    for artifact in input_dict.get(specs.BASELINE_MODEL_KEY) or ():
        return training_of(_folder(artifact))
    return Training()


def _spans(input_dict: _Artifacts, production: Training) -> set[int]:
    """Those of the examples, and those that only the model in production was trained on."""
    return {*data_of(input_dict[specs.EXAMPLES_KEY]).get("spans", ()), *production.data.get("spans", ())}


def _exposure(
    input_dict: _Artifacts,
    predictions: Predictions,
    candidate: TrainingReviews,
    production: Training,
    split: str,
) -> Exposure:
    """Which examples of the split each model has seen.

    Without a test split the gate judges on `eval`. Examples that a model was only selected with then count as
    unseen, because there are no others.
    """
    assert predictions.text_id is not None
    theirs = production.reviews or TrainingReviews({})
    return Exposure(
        candidate=_seen(candidate.without(split), predictions.text_id),
        production=_seen(theirs.without(split), predictions.text_id),
        problem=production.problem,
        data_changes=tuple(differences(production.data, data_of(input_dict[specs.EXAMPLES_KEY]))),
    )


def _with_exposure(predictions: Predictions, exposure: Exposure) -> Predictions:
    """The predictions with the columns `seen` and `baseline_seen`, if a model has seen any example."""
    unseen, by_neither = exposure.unseen_by_candidate(len(predictions)), exposure.unseen(len(predictions))
    if by_neither.all():
        return predictions
    return dataclasses.replace(predictions, seen=~unseen, baseline_seen=~by_neither & unseen)


def _seen(training: TrainingReviews, text_id: np.ndarray) -> Mapping[str, np.ndarray]:
    return {use: np.isin(text_id, known) for use, known in training.by_use.items()}


def _with_thresholds(
    predictions: Predictions,
    input_dict: _Artifacts,
    production: Training,
    *,
    classes: Names,
    baseline_classes: Names,
) -> Predictions:
    """The predictions with the thresholds of both models."""
    baseline = production.threshold
    if len(baseline_classes) != 2 or set(baseline_classes) != set(classes):
        baseline = threshold.DEFAULT
    elif baseline_classes != classes:  # the same two, the other one positive
        baseline = 1 - baseline
    own = threshold.read(artifact_utils.get_single_instance(input_dict[specs.MODEL_KEY]).uri)
    usual = threshold.DEFAULT
    return dataclasses.replace(
        predictions,
        threshold=None if own == usual else own,
        baseline_threshold=None if baseline == usual else baseline,
    )


def _newest_span(input_dict: _Artifacts, predictions: Predictions) -> int:
    """The newest span of the examples, even without an example in the split; 0 if they have no spans."""
    in_split = 0 if predictions.span is None else int(predictions.span.max())
    return max(in_split, *(artifact.span for artifact in input_dict[specs.EXAMPLES_KEY]))


def _texts(column: Any) -> Any:
    """object [N] of str from object [N] of bytes."""
    column[:] = [value.decode("utf-8", "replace") for value in column]
    return column


def _folder(model: Artifact) -> str:
    return path_utils.serving_model_path(model.uri, path_utils.is_old_model_artifact(model))


def _without_missing_baseline(input_dict: _Artifacts) -> _Artifacts:
    """The inputs without a baseline artifact that says that there is no model."""
    if not any(is_none(model) for model in input_dict.get(specs.BASELINE_MODEL_KEY) or ()):
        return input_dict
    return {key: value for key, value in input_dict.items() if key != specs.BASELINE_MODEL_KEY}


def _write(artifact: Artifact, name: str, content: bytes) -> None:
    with fileio.open(os.path.join(artifact.uri, name), "wb") as file:
        file.write(content)


def _earlier_candidates(exec_properties: dict[str, Any], predictions: Predictions) -> int | None:
    """The number of models judged on these texts before this one; None if not counted."""
    counts = exec_properties.get(EARLIER)
    return json.loads(counts).get(digest(predictions), 0) if counts else None
