"""The executor of InfraValidator: sends canary requests, and writes the blessing or the failed checks."""

import dataclasses
import itertools
import json
import math
import os
import time
from typing import Any

import tensorflow as tf
from absl import logging
from tfx.dsl.components.base import base_executor
from tfx.types import Artifact, artifact_utils
from tfx.types import standard_component_specs as specs
from tfx.utils import io_utils, path_utils

from components import reviews, threshold
from components.class_names import Names, names_in
from components.evaluator.split_files import read_split, split_files
from components.infra_validator import attempts, process
from components.infra_validator.canaries import canaries
from components.infra_validator.checks import CanaryResults, Check, Scores, canary_results, checks
from components.infra_validator.settings import InfraSettings
from serving.canary import PROBABILITIES, Canary, Request
from serving.model.loader import load
from serving.model.predictor import strings

SETTINGS_KEY, SPLIT_KEY = "settings", "split"
REPORT_NAME = "canaries.json"
_ALARM_MARGIN = 60


class Executor(base_executor.BaseExecutor):
    """Emits the outputs of TFX's InfraValidator without Docker: marker file and `blessed` property."""

    def Do(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Checks one model; a model that fails is not blessed, which is not an error.

        Args:
          input_dict: model, and examples with the split.
          output_dict: blessing, whose folder gets the marker and `canaries.json`.
          exec_properties: `settings`: InfraSettings as JSON; `split`: where the texts are taken from.

        Raises:
          MachineFault: a fault of the machine prevented both attempts.
        """
        settings = InfraSettings.model_validate_json(exec_properties[SETTINGS_KEY])
        blessing = artifact_utils.get_single_instance(output_dict[specs.BLESSING_KEY])
        if not settings.enabled:
            _bless(blessing, (), {"passed": True, "skipped": True, "reasons": []})
            return
        model = artifact_utils.get_single_instance(input_dict[specs.MODEL_KEY])
        folder = path_utils.serving_model_path(model.uri, path_utils.is_old_model_artifact(model))
        sent = canaries(_texts(input_dict[specs.EXAMPLES_KEY], exec_properties[SPLIT_KEY], settings.samples))
        started = time.monotonic()
        names = names_in(input_dict[specs.EXAMPLES_KEY])
        found = _serve(folder, sent, settings, names)
        results = checks(found, settings, classes=names, threshold=threshold.read(model.uri))
        report = _report(found, results, settings, names=names, seconds=time.monotonic() - started)
        _bless(blessing, results, report)


def _texts(examples: list[Artifact], split: str, count: int) -> list[bytes]:
    """The first texts of the split; an empty split leaves the edge cases as canaries."""
    records = read_split(split_files(examples, split)).unbatch().take(count)
    parsed = (tf.io.parse_single_example(record, reviews.feature_spec()) for record in records)
    return [review[reviews.TEXT].numpy() for review in parsed]


def _serve(folder: str, sent: tuple[Canary, ...], settings: InfraSettings, names: Names) -> CanaryResults:
    """Calls the model in a fresh process and, if that succeeds, after a second load in this process."""
    request = Request(
        model=folder,
        canaries=sent,
        batch_size=settings.batch_size,
        alarm_seconds=math.ceil(settings.timeout_seconds) + _ALARM_MARGIN,
    )
    found = _try(request, settings)
    if not attempts.is_conclusive(found):
        logging.warning("the canary process %s: tried once more", found.ended.why or found.unfinished)
        found = attempts.settle(found, _try(request, settings))
    texts = [answer for answer in found.answers if answer.signature == "serving_default"]
    alive = found.ended.why is None and found.unfinished is None
    if not (alive and texts and all(answer.whole(names) for answer in texts)):
        return found
    return dataclasses.replace(found, again=_ask_again(folder, sent, names))


def _try(request: Request, settings: InfraSettings) -> CanaryResults:
    """The results of a fresh process for the request."""
    with process.fresh() as canary_process:
        ended = canary_process.run(
            request, timeout_seconds=settings.timeout_seconds, max_memory_mb=settings.max_memory_mb
        )
    return canary_results(ended, request=request)


def _ask_again(folder: str, sent: tuple[Canary, ...], names: Names) -> dict[str, Scores]:
    """The scores of each canary after a load of the same model in this process."""
    model = load(folder)
    texts = strings([canary.text for canary in sent])
    output = "probability" if len(names) == 2 else PROBABILITIES
    found = model.run("serving_default", {"text": texts})[output].tolist()
    model.close()
    scores = [tuple(row) if isinstance(row, list) else row for row in found]
    return {canary.name: each for canary, each in zip(sent, scores, strict=True)}


def _report(
    found: CanaryResults,
    results: tuple[Check, ...],
    settings: InfraSettings,
    *,
    names: Names,
    seconds: float,
) -> dict[str, Any]:
    """The content of `canaries.json`."""
    alone = {
        answer.canaries[0]: answer
        for answer in found.answers
        if answer.whole(names) and len(answer.canaries) == 1
    }
    reasons = list(itertools.chain.from_iterable(check.problems for check in results))
    return {
        "passed": not reasons,
        "skipped": False,
        "reasons": reasons,
        "checks": [
            {"name": check.name, "passed": check.passed, "problems": check.problems} for check in results
        ],
        "latency_ms": found.steps.get("latency", {}).get("milliseconds"),
        "memory_mb": found.steps.get("memory", {}).get("mib"),
        "import_seconds": found.steps.get("import", {}).get("seconds"),
        "load_seconds": found.steps.get("load", {}).get("seconds"),
        "seconds": seconds,
        "limits": settings.model_dump(mode="json", exclude={"enabled"}),
        "canaries": [
            {"name": name, **_scored(answer.scores[0], names), "label": answer.label[0]}
            for name, answer in alone.items()
        ],
        "log": found.ended.log if reasons else "",
    }


def _scored(scores: Scores, names: Names) -> dict[str, Any]:
    """The probability of the positive class; of more than two that of the most probable, and of each."""
    if isinstance(scores, float):
        return {"probability": _finite(scores)}
    each = {name: _finite(score) for name, score in zip(names, scores, strict=True)}
    return {"probability": _finite(max(scores)), "probabilities": each}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _bless(blessing: Artifact, results: tuple[Check, ...], report: dict[str, Any]) -> None:
    passed = report["passed"]
    name = "INFRA_BLESSED" if passed else "INFRA_NOT_BLESSED"
    io_utils.write_string_file(os.path.join(blessing.uri, name), "")
    text = json.dumps(report, indent=1, allow_nan=False, ensure_ascii=False)
    io_utils.write_string_file(os.path.join(blessing.uri, REPORT_NAME), text)
    blessing.set_int_custom_property("blessed", int(passed))
    blessing.set_string_custom_property("reasons", "\n".join(report["reasons"]))
    for key in ("latency_ms", "memory_mb"):
        if report.get(key) is not None:
            blessing.set_float_custom_property(key, float(report[key]))
    for check in results:
        for problem in check.problems:
            logging.warning("%s: %s", check.name, problem)
