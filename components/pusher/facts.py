"""The facts for a version's manifest, collected from the artifacts of earlier stages."""

import json
import os
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

from tfx.components.example_gen.utils import FINGERPRINT_PROPERTY_NAME
from tfx.dsl.io import fileio
from tfx.types import Artifact, artifact_utils
from tfx.types import standard_component_specs as specs

from components import fitted_splits, threshold
from components.errors import GreenlightError
from components.evaluator.exposure.data_settings import data_of
from components.evaluator.verdict import FILE_NAME as VERDICT_FILE
from components.fingerprints import code_fingerprint
from components.pusher.signatures import read_signatures
from serving.store.manifest import REVIEWS_NAME, Facts

EVALUATION, EXAMPLES = "evaluation", "examples"

MODEL_CODE = ("components.example_gen.executor", "components.trainer.train")
"""The code that a model comes out of: its fingerprint is the manifest's `code_version`."""


def gather(inputs: Mapping[str, Sequence[Artifact]], *, model_path: str, run_id: str | None) -> Facts:
    """The facts for a version's manifest; what a missing input would tell stays empty.

    Args:
      inputs: the Pusher's; `evaluation` tells metrics and verdict, `examples` the data's fingerprint.
      model_path: the folder of the SavedModel.
      run_id: the pipeline run; None where the engine does not tell it (Kubeflow).

    Raises:
      GreenlightError: there is an evaluation, but no verdict in it.
    """
    return Facts(
        **_verdict(inputs.get(EVALUATION)),
        run_id=run_id or None,
        data_fingerprint=_data_fingerprint(inputs.get(EXAMPLES)),
        data=data_of(inputs.get(EXAMPLES) or ()),
        fitted_on=_fitted_on(inputs.get(specs.MODEL_KEY)),
        threshold=_threshold(inputs.get(specs.MODEL_KEY)),
        code_version=code_fingerprint(*MODEL_CODE),
        greenlight_version=_greenlight_version(),
        signatures=read_signatures(model_path),
    )


def records(inputs: Mapping[str, Sequence[Artifact]]) -> dict[str, str]:
    """Files about the model that go with it into the store: names there -> paths."""
    found = {}
    for artifact in inputs.get(EVALUATION) or ():
        path = os.path.join(artifact.uri, REVIEWS_NAME)
        if fileio.exists(path):
            found[REVIEWS_NAME] = path
    return found


def _verdict(artifacts: Sequence[Artifact] | None) -> dict[str, Any]:
    if not artifacts:
        return {}
    path = os.path.join(artifact_utils.get_single_instance(list(artifacts)).uri, VERDICT_FILE)
    if not fileio.exists(path):
        raise GreenlightError(
            f"The evaluation has no verdict at {path}, so its result is unknown, "
            "and it was not pushed. Run again with --no-cache."
        )
    with fileio.open(path, "r") as file:
        verdict = json.load(file)
    return {
        "metrics": verdict.get("metrics", {}),
        "verdict": verdict.get("verdict"),
        "conditions": tuple(verdict.get("conditions", ())),
    }


def _fitted_on(models: Sequence[Artifact] | None) -> tuple[str, ...]:
    return fitted_splits.read(artifact_utils.get_single_instance(list(models)).uri) if models else ()


def _threshold(models: Sequence[Artifact] | None) -> float:
    if not models:
        return threshold.DEFAULT
    return threshold.read(artifact_utils.get_single_instance(list(models)).uri)


def _data_fingerprint(artifacts: Sequence[Artifact] | None) -> str | None:
    fingerprints = [
        artifact.get_string_custom_property(FINGERPRINT_PROPERTY_NAME) for artifact in artifacts or ()
    ]
    return ",".join(filter(None, fingerprints)) or None


def _greenlight_version() -> str | None:
    try:
        return metadata.version("greenlight-tfx")
    except metadata.PackageNotFoundError:
        return None
