"""The training examples of a version without a record of its examples, from the lineage store."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_artifacts

from components.evaluator.exposure.training_reviews import EVAL, TRAIN, TrainingReviews
from serving.store.manifest import REVIEWS_NAME
from serving.store.records import Version

if TYPE_CHECKING:
    from ml_metadata import MetadataStore
    from ml_metadata.proto import metadata_store_pb2 as mlmd

_RUN = "pipeline_run"
_EXAMPLES = "Examples"
_SPLIT = "Split-"
_SEEN = (TRAIN, EVAL)


def has_record(version: Version) -> bool:
    return version.manifest is not None and REVIEWS_NAME in version.manifest.records


def examples_of(version: Version, store: "MetadataStore") -> str:
    """The folder of the examples that the version's run took; "" where the lineage store does not know it.

    Not those of the same content that another run read: its splits may be others.
    """
    if version.manifest is None or version.manifest.facts.run_id is None:
        return ""
    return next((each.uri for each in _examples_in(store, version.manifest.facts.run_id)), "")


def _examples_in(store: "MetadataStore", run: str) -> "Iterator[mlmd.Artifact]":
    context = store.get_context_by_type_and_name(_RUN, run)
    if context is None:
        return
    (wanted,) = (kind.id for kind in store.get_artifact_types() if kind.name == _EXAMPLES)
    for artifact in store.get_artifacts_by_context(context.id):
        if artifact.type_id == wanted:
            yield artifact


def record_of(folder: str) -> bytes | None:
    """The record for a model that was trained on the examples in `folder`; None where they are gone.

    Some of them gone is no better: what the model has seen of them would count as unseen.
    """
    if not fileio.exists(folder):
        return None
    names = [name.rstrip("/") for name in fileio.listdir(folder)]
    splits = [name.removeprefix(_SPLIT) for name in names if name.startswith(_SPLIT)]
    if TRAIN not in splits or not all(_has_files(folder, split) for split in splits if split in _SEEN):
        return None
    examples = standard_artifacts.Examples()
    examples.uri = folder
    examples.split_names = artifact_utils.encode_split_names(splits)
    return TrainingReviews.of_examples([examples], _SEEN).to_bytes()


def _has_files(folder: str, split: str) -> bool:
    """Also a split without an example has a file."""
    return bool(fileio.listdir(os.path.join(folder, _SPLIT + split)))


def path_in(model: str) -> str:
    """Where the record lies beside a model's manifest."""
    return os.path.join(model, REVIEWS_NAME)
