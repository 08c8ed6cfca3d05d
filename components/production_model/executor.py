"""The executor of ProductionModel: chooses the baseline version and copies it from the store."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from absl import logging
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import Artifact, artifact_utils
from tfx.utils import io_utils, path_utils

from components.errors import GreenlightError
from components.no_model import PROBLEM, VERSION
from components.production_model.choice import NOTHING, compared_with, key_of
from components.production_model.training_examples import path_in, record_of
from components.store_errors import as_greenlight_errors
from serving.storage.resolve import files_for
from serving.store.manifest import MANIFEST_NAME, model_digest
from serving.store.publish import model_entries
from serving.store.records import Problem, Version
from serving.store.signing import verifier_of
from serving.versions import VersionStore

CANDIDATE, MODEL = "candidate", "model"
STORE_ROOT, FOUND, TRAINED_ON = "store_root", "found", "trained_on"
PUBLIC_KEY, DAMAGE = "public_key", "damage"
_WHY_NOTHING = "NO_MODEL"

_Artifacts = dict[str, list[Artifact]]


class Executor(base_executor.BaseExecutor):
    """Leaves a copy of the version, whatever happens to the store afterwards, or an empty artifact."""

    def Do(self, input_dict: _Artifacts, output_dict: _Artifacts, exec_properties: dict[str, Any]) -> None:
        """Copies the version into the artifact `model`.

        Args:
          input_dict: candidate, the Model that was just trained; none is there before training.
          output_dict: model; its properties say `version` ("" for none), `model_digest` and `path`, and
            `problem` where the version does not match its manifest and was not copied.
          exec_properties: store_root, the version store's folder; public_key, the file that signatures are
            checked against, absent for none; found, what the driver saw before the cache
            was asked, "" where no driver ran (Kubeflow); trained_on, the examples of a version without a
            record of its training examples, "" where they are not known.

        Raises:
          GreenlightError: the store cannot be read, or was changed since the driver looked.
        """
        model = artifact_utils.get_single_instance(output_dict[MODEL])
        root, found = exec_properties[STORE_ROOT], exec_properties.get(FOUND)
        version = find(root, input_dict)
        if found and found != key_of(version):
            raise GreenlightError(
                f"The version store {root} was changed while the run was looking for the model in "
                "production. Run again."
            )
        _describe(model, version)
        if version is None:
            logging.info("No model is in production that this one could be compared with.")
            io_utils.write_string_file(os.path.join(model.uri, _WHY_NOTHING), f"{NOTHING}\n")
            return
        logging.info("The model in production is version %d at %s.", version.number, version.path)
        folder = path_utils.serving_model_dir(model.uri)
        if problem := _copy(version, folder, store_of(exec_properties)):
            logging.warning("Version %d is not loaded: %s.", version.number, problem)
            model.set_string_custom_property(PROBLEM, problem)
        if trained_on := exec_properties.get(TRAINED_ON):
            _add_record(folder, trained_on)


def _add_record(folder: str, examples: str) -> None:
    """Adds to the copy what the version itself, of an older Greenlight, does not say of its training."""
    if (record := record_of(examples)) is not None:
        with fileio.open(path_in(folder), "wb") as file:
            file.write(record)


def store_of(exec_properties: Mapping[str, Any]) -> VersionStore:
    """The version store of the stage, with the key that its signatures are checked against."""
    key = exec_properties.get(PUBLIC_KEY)
    with as_greenlight_errors():
        verifier = verifier_of(Path(key) if key else None)
        return VersionStore(exec_properties[STORE_ROOT], verifier=verifier)


def find(root: str, inputs: _Artifacts) -> Version | None:
    """The version in the store at `root` that the candidate among a stage's inputs is compared with; the live
    one where there is no candidate yet.

    Raises:
      GreenlightError: the store cannot be read.
    """
    with as_greenlight_errors():
        return compared_with(VersionStore(root).versions(), _digest(inputs.get(CANDIDATE)))


def _digest(candidates: list[Artifact] | None) -> str:
    if not candidates:
        return ""
    candidate = artifact_utils.get_single_instance(candidates)
    folder = path_utils.serving_model_path(candidate.uri, path_utils.is_old_model_artifact(candidate))
    return model_digest(model_entries(files_for(folder), folder))


def _describe(model: Artifact, version: Version | None) -> None:
    model.set_string_custom_property(VERSION, str(version.number) if version else "")
    model.set_string_custom_property("model_digest", (version.digest or "") if version else "")
    model.set_string_custom_property("path", version.path if version else "")


def damage_of(version: Version | None, store: VersionStore) -> str:
    """Why a version may not be loaded, as a clause; "" if it may, or there is none.

    Raises:
      GreenlightError: the store cannot be read.
    """
    if version is None:
        return ""
    with as_greenlight_errors(), store.fetched(version.number) as (_, problems):  # one copy for all checks
        return _mismatch(problems) if problems else ""


def _mismatch(problems: Sequence[Problem]) -> str:
    return f"it does not match its manifest: {problems[0].file} {problems[0].what}"


def _copy(version: Version, folder: str, store: VersionStore) -> str | None:
    """Copies a version, if it matches its manifest; else only the manifest, and returns why, as a clause."""
    try:
        with as_greenlight_errors(), store.fetched(version.number) as (files, problems):
            if not problems:
                io_utils.copy_dir(str(files), folder)
                return None
            manifest = files / MANIFEST_NAME
            if manifest.is_file():
                fileio.makedirs(folder)
                io_utils.copy_file(str(manifest), os.path.join(folder, MANIFEST_NAME))
            return _mismatch(problems)
    except OSError as error:
        raise GreenlightError(
            f"Version {version.number} at {version.path} could not be read ({error}). "
            "If it was rolled back or pruned meanwhile, run again."
        ) from error
