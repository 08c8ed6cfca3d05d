"""The executor of the Evaluator: predictions, TFMA's evaluation, the verdict and the blessing."""

import dataclasses
import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import tensorflow_model_analysis as tfma
from absl import logging
from tfx.components.evaluator import constants
from tfx.components.evaluator import executor as tfx_executor
from tfx.dsl.io import fileio
from tfx.types import Artifact, artifact_utils
from tfx.types import standard_component_specs as specs
from tfx.utils import io_utils, json_utils, path_utils

from components import fitted_splits, threshold
from components.class_names import Names, names_in
from components.errors import GreenlightError
from components.evaluator import predictions as predictions_file
from components.evaluator import tfma_input
from components.evaluator import verdict as verdict_file
from components.evaluator.checklist.answers import negation
from components.evaluator.driver import CANDIDATE, EARLIER, EXAMPLES, TEST_SET, digest_of, ids_of
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
from components.evaluator.tfma_results import candidate_metrics, check_agreement
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
        input_dict = _with_what_there_is(input_dict)
        gate = GateSettings.model_validate_json(exec_properties[GATE_KEY])
        (split,) = json_utils.loads(exec_properties[specs.EXAMPLE_SPLITS_KEY])
        evaluation = artifact_utils.get_single_instance(output_dict[specs.EVALUATION_KEY])
        classes = names_in(input_dict[specs.EXAMPLES_KEY])
        production = _production_training(input_dict)
        theirs = _classes_of(production, classes)
        scorers, baseline = _scorers(input_dict, classes=classes, theirs=theirs)
        # The hashes of the training texts are made in Python, while TensorFlow predicts.
        with ThreadPoolExecutor(1) as beside:
            hashed = beside.submit(_candidate_training, input_dict)
            found, baseline = _predict(
                input_dict, split, scorers=scorers, baseline=baseline, classes=classes, theirs=theirs
            )
            training = hashed.result()
        found = _with_thresholds(found, input_dict, production, classes=classes, theirs=theirs)
        exposure = _exposure(input_dict, found, training, production, split)
        verdict = judge(
            gate,
            found,
            split=split,
            baseline=baseline,
            newest_span=_newest_span(input_dict, found),
            spans=_spans(input_dict, production),
            exposure=exposure,
            earlier_candidates=_earlier_candidates(exec_properties, found),
            classes=classes,
            shared_classes=None if set(theirs) == set(classes) else shared(classes, theirs),
        )
        if exec_properties.get(CHECKLIST):
            before = scorers.get(specs.BASELINE_MODEL_KEY) if theirs == classes else None
            told = negation(found, scorers[specs.MODEL_KEY], before)
            verdict = dataclasses.replace(verdict, negation=told)

        fileio.makedirs(evaluation.uri)
        _write(evaluation, REVIEWS_NAME, training.to_bytes())
        if not_probabilities(found.scores) is None:
            compared = found.baseline_scores is not None and theirs == classes
            # TFMA has one threshold for the labels of both models.
            alike = theirs == classes and (
                found.baseline_scores is None or found.baseline_threshold == found.threshold
            )
            judges = alike and bool(exposure.unseen(len(found)).all())
            folder = os.path.join(evaluation.uri, _TFMA_INPUT)
            measured = found if compared else found.without_baseline()
            examples = tfma_input.write_examples(measured, folder, split)
            super().Do(
                tfma_input.artifacts(input_dict, examples, baseline=compared),
                output_dict,
                tfma_input.properties(exec_properties, found.threshold, judges=judges),
            )
            fileio.rmtree(folder)  # predictions.parquet has all of it
            check_agreement(candidate_metrics(evaluation.uri), found)
            if judges:
                _check_validation(tfma.load_validation_result(evaluation.uri), verdict)
        else:
            logging.warning("TFMA is left out: it cannot work with numbers that are not probabilities.")

        _write(evaluation, predictions_file.FILE_NAME, _with_exposure(found, exposure).to_bytes())
        io_utils.write_string_file(os.path.join(evaluation.uri, verdict_file.FILE_NAME), verdict.to_json())
        _record(evaluation, verdict)
        _record_look(evaluation, found, input_dict)
        blessing = artifact_utils.get_single_instance(output_dict[specs.BLESSING_KEY])
        _bless(blessing, verdict, input_dict)
        _record(blessing, verdict)
        logging.info("%s", "\n".join(render(verdict)))


def _classes_of(production: Training, classes: Names) -> Names:
    """The classes of the model in production; those of the candidate where they are not known."""
    if not production.data:
        return classes
    return tuple(production.data.get("settings", {}).get("classes") or CLASSES)


def _not_comparable(theirs: Names, classes: Names) -> str | None:
    """Why the model in production cannot be compared, where fewer than two classes are shared; else None."""
    if len(shared(classes, theirs)) > 1:
        return None
    order = "data.classes, the positive one last" if len(classes) == 2 else "data.classes"
    return (
        f"its classes are {_listed(theirs)}, those of the data {_listed(classes)} ({order}), so the two "
        "cannot be compared"
    )


def _listed(names: Names) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _scorers(
    input_dict: _Artifacts, *, classes: Names, theirs: Names
) -> tuple[dict[str, Scorer], Baseline | None]:
    """The loaded models, and the baseline with its problem if it cannot be loaded or compared.

    classes, theirs: those of the candidate and of the baseline.
    """
    candidate = artifact_utils.get_single_instance(input_dict[specs.MODEL_KEY])
    scorers = {specs.MODEL_KEY: Scorer(_folder(candidate), classes=len(classes))}
    baseline = None
    if input_dict.get(specs.BASELINE_MODEL_KEY):
        artifact = artifact_utils.get_single_instance(input_dict[specs.BASELINE_MODEL_KEY])
        problem = problem_of(artifact) or _not_comparable(theirs, classes)
        baseline = Baseline(model_uri=artifact.uri, problem=problem)
        try:
            if baseline.problem is None:
                scorers[specs.BASELINE_MODEL_KEY] = Scorer(_folder(artifact), classes=len(theirs))
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
    theirs: Names,
) -> tuple[Predictions, Baseline | None]:
    """Predicts the split with the models in one pass; a failing baseline is described, not compared.

    classes, theirs: those of the candidate and of the baseline.
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
    if old is not None and theirs != classes:
        old = in_our_order(old, ours=classes, theirs=theirs)
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
    found: Predictions,
    candidate: TrainingReviews,
    production: Training,
    split: str,
) -> Exposure:
    """Which examples of the split each model has seen.

    Without a test split the gate judges on `eval`. Examples that a model was only selected with then count as
    unseen, because there are no others.
    """
    assert found.text_id is not None
    theirs = production.reviews or TrainingReviews({})
    return Exposure(
        candidate=_seen(candidate.without(split), found.text_id),
        production=_seen(theirs.without(split), found.text_id),
        problem=production.problem,
        data_changes=tuple(differences(production.data, data_of(input_dict[specs.EXAMPLES_KEY]))),
    )


def _with_exposure(found: Predictions, exposure: Exposure) -> Predictions:
    """The predictions with the columns `seen` and `baseline_seen`, if a model has seen any example."""
    unseen, by_neither = exposure.unseen_by_candidate(len(found)), exposure.unseen(len(found))
    if by_neither.all():
        return found
    return dataclasses.replace(found, seen=~unseen, baseline_seen=~by_neither & unseen)


def _seen(training: TrainingReviews, text_id: np.ndarray) -> Mapping[str, np.ndarray]:
    return {use: np.isin(text_id, known) for use, known in training.by_use.items()}


def _with_thresholds(
    found: Predictions, input_dict: _Artifacts, production: Training, *, classes: Names, theirs: Names
) -> Predictions:
    """The predictions with the thresholds of both models."""
    baseline = production.threshold
    if len(theirs) != 2 or set(theirs) != set(classes):
        baseline = threshold.DEFAULT
    elif theirs != classes:  # the same two, the other one positive
        baseline = 1 - baseline
    own = threshold.read(artifact_utils.get_single_instance(input_dict[specs.MODEL_KEY]).uri)
    usual = threshold.DEFAULT
    return dataclasses.replace(
        found,
        threshold=None if own == usual else own,
        baseline_threshold=None if baseline == usual else baseline,
    )


def _newest_span(input_dict: _Artifacts, found: Predictions) -> int:
    """The newest span of the examples, even without an example in the split; 0 if they have no spans."""
    in_split = 0 if found.span is None else int(found.span.max())
    return max(in_split, *(artifact.span for artifact in input_dict[specs.EXAMPLES_KEY]))


def _texts(column: Any) -> Any:
    """object [N] of str from object [N] of bytes."""
    column[:] = [value.decode("utf-8", "replace") for value in column]
    return column


def _folder(model: Artifact) -> str:
    return path_utils.serving_model_path(model.uri, path_utils.is_old_model_artifact(model))


def _with_what_there_is(input_dict: _Artifacts) -> _Artifacts:
    """The inputs without a baseline artifact that says that there is no model."""
    absent = any(is_none(model) for model in input_dict.get(specs.BASELINE_MODEL_KEY) or ())
    return {
        key: value for key, value in input_dict.items() if not (absent and key == specs.BASELINE_MODEL_KEY)
    }


def _write(artifact: Artifact, name: str, content: bytes) -> None:
    with fileio.open(os.path.join(artifact.uri, name), "wb") as file:
        file.write(content)


def _check_validation(validation: Any, verdict: Verdict) -> None:
    """Checks that the verdict refuses if TFMA's thresholds, which are conditions of the gate, do."""
    if verdict.promoted and not validation.validation_ok:
        raise GreenlightError(f"TFMA refuses what the gate promotes; its validation result: {validation}")


def _earlier_candidates(exec_properties: dict[str, Any], found: Predictions) -> int | None:
    """The number of models judged on these texts before this one; None if not counted."""
    told = exec_properties.get(EARLIER)
    return json.loads(told).get(digest(found), 0) if told else None


def _record_look(evaluation: Artifact, found: Predictions, input_dict: _Artifacts) -> None:
    """Records the properties by which the driver of a later evaluation counts."""
    evaluation.set_string_custom_property(TEST_SET, digest(found) or "")
    evaluation.set_string_custom_property(CANDIDATE, digest_of(input_dict[specs.MODEL_KEY]))
    evaluation.set_string_custom_property(EXAMPLES, ids_of(input_dict[specs.EXAMPLES_KEY]))


def _bless(blessing: Artifact, verdict: Verdict, input_dict: _Artifacts) -> None:
    """Writes the blessing as TFX's Evaluator does, from the verdict: marker file and custom properties."""
    names = {True: constants.BLESSED_FILE_NAME, False: constants.NOT_BLESSED_FILE_NAME}
    stale = os.path.join(blessing.uri, names[not verdict.promoted])
    if fileio.exists(stale):
        fileio.remove(stale)
    io_utils.write_string_file(os.path.join(blessing.uri, names[verdict.promoted]), "")
    value = constants.BLESSED_VALUE if verdict.promoted else constants.NOT_BLESSED_VALUE
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, value)
    model = artifact_utils.get_single_instance(input_dict[specs.MODEL_KEY])
    blessing.set_string_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY, model.uri)
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, model.id)
    for baseline in input_dict.get(specs.BASELINE_MODEL_KEY) or ():
        blessing.set_string_custom_property(constants.ARTIFACT_PROPERTY_BASELINE_MODEL_URI_KEY, baseline.uri)
        blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BASELINE_MODEL_ID_KEY, baseline.id)


def _record(artifact: Artifact, verdict: Verdict) -> None:
    """Records a summary of the verdict as custom properties in the lineage store."""
    artifact.set_string_custom_property("verdict", verdict.verdict)
    artifact.set_string_custom_property("split", verdict.split)
    artifact.set_string_custom_property("reasons", "\n".join(verdict.reasons))
    for name in ("accuracy", "auc"):
        value = verdict.metrics[name]
        if value is not None:
            artifact.set_float_custom_property(name, value)
    artifact.set_int_custom_property("examples", int(verdict.metrics["example_count"] or 0))
