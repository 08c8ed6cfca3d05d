"""The blessing that the verdict gives, as TFX's Evaluator writes it, and the verdict's lineage properties."""

import os
from collections.abc import Sequence

from tfx.components.evaluator import constants
from tfx.dsl.io import fileio
from tfx.types import Artifact, artifact_utils
from tfx.utils import io_utils

from components.evaluator.verdict import Verdict


def bless(
    blessing: Artifact, verdict: Verdict, *, models: list[Artifact], baselines: Sequence[Artifact] = ()
) -> None:
    """Writes the marker file and the custom properties of the ModelBlessing.

    Args:
      models: the candidate, the only one.
      baselines: the model in production, if there is one.
    """
    names = {True: constants.BLESSED_FILE_NAME, False: constants.NOT_BLESSED_FILE_NAME}
    stale = os.path.join(blessing.uri, names[not verdict.promoted])
    if fileio.exists(stale):
        fileio.remove(stale)
    io_utils.write_string_file(os.path.join(blessing.uri, names[verdict.promoted]), "")
    value = constants.BLESSED_VALUE if verdict.promoted else constants.NOT_BLESSED_VALUE
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, value)
    model = artifact_utils.get_single_instance(models)
    blessing.set_string_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY, model.uri)
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, model.id)
    for baseline in baselines:
        blessing.set_string_custom_property(constants.ARTIFACT_PROPERTY_BASELINE_MODEL_URI_KEY, baseline.uri)
        blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BASELINE_MODEL_ID_KEY, baseline.id)


def record_verdict(artifact: Artifact, verdict: Verdict) -> None:
    """Records a summary of the verdict as custom properties of an artifact of the Evaluator."""
    artifact.set_string_custom_property("verdict", verdict.verdict)
    artifact.set_string_custom_property("split", verdict.split)
    artifact.set_string_custom_property("reasons", "\n".join(verdict.reasons))
    for name in ("accuracy", "auc"):
        value = verdict.metrics[name]
        if value is not None:
            artifact.set_float_custom_property(name, value)
    artifact.set_int_custom_property("examples", int(verdict.metrics["example_count"] or 0))
