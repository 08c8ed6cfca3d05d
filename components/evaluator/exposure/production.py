"""The training facts of the version in production: its manifest and its record of examples."""

import dataclasses
import hashlib
import os
from collections.abc import Mapping
from typing import Any

from tfx.dsl.io import fileio

from components.evaluator.exposure.training_reviews import TrainingReviews, UnusableRecord
from components.threshold import DEFAULT
from serving.store.manifest import MANIFEST_NAME, REVIEWS_NAME, Manifest, ManifestError, from_json


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Training:
    """The known facts of a model's training.

    Attributes:
      reviews: those that it has seen; None if unknown.
      problem: why they are unknown, a clause.
      data: the settings of its data, as in `Facts.data`.
      threshold: the probability from which on it labels positive.
    """

    reviews: TrainingReviews | None = None
    problem: str | None = None
    data: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    threshold: float = DEFAULT


def training_of(folder: str) -> Training:
    """The training facts of the version in `folder`, on a disk or an object store."""
    if not fileio.exists(os.path.join(folder, MANIFEST_NAME)):
        return Training(problem="it has no manifest")
    try:
        manifest = _manifest(folder)
    except ManifestError as error:
        return Training(problem=f"its manifest {error}")
    try:
        reviews, problem = _reviews(folder, manifest), None
    except UnusableRecord as error:
        reviews, problem = None, str(error)
    facts = manifest.facts
    return Training(reviews=reviews, problem=problem, data=facts.data, threshold=facts.threshold)


def _manifest(folder: str) -> Manifest:
    with fileio.open(os.path.join(folder, MANIFEST_NAME), "rb") as file:
        return from_json(file.read())


def _reviews(folder: str, manifest: Manifest) -> TrainingReviews:
    path = os.path.join(folder, REVIEWS_NAME)
    if not fileio.exists(path):
        if REVIEWS_NAME in manifest.records:
            raise UnusableRecord(f"{REVIEWS_NAME}, its record of training examples, is missing")
        raise UnusableRecord("it was pushed before that was recorded")
    with fileio.open(path, "rb") as file:
        content = file.read()
    listed = manifest.records.get(REVIEWS_NAME)
    if listed is not None and listed.sha256 != hashlib.sha256(content).hexdigest():
        raise UnusableRecord(f"{REVIEWS_NAME}, its record of training examples, was changed since the push")
    return TrainingReviews.from_bytes(content)
