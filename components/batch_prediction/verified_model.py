"""A version of the model, verified against its manifest and loaded in this process."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from components.errors import GreenlightError
from components.pusher.published import published_version
from components.store_errors import as_greenlight_errors
from serving.model.classification import class_names
from serving.model.loader import LoadError, load
from serving.model.predictor import Predictor
from serving.status import RequestError
from serving.store.signing import verifier_of
from serving.transports.calls import Prediction, prediction
from serving.versions import VersionStore

_SIGNATURE = "serving_default"
_INPUT, _LABEL = "text", "label"
_PROBABILITY = "probability"
"""The output of a model of two classes: float32 [N], of the positive one."""
_PROBABILITIES = "probabilities"
"""The output of a model of more: float32 [N, K]."""


def choose_version(root: str, number: int | None) -> int:
    """The live version of the store at `root`, or version `number`; its files are not read yet.

    Raises:
      InputError: it does not exist.
    """
    with as_greenlight_errors():
        return published_version(VersionStore(root), number).number


def content_of(root: str, number: int) -> str:
    """The digest of a version's files as its manifest has it; "" if there is none.

    Raises:
      GreenlightError: the store cannot be read.
    """
    with as_greenlight_errors():
        version = next((one for one in VersionStore(root).versions() if one.number == number), None)
    return version.manifest.model_digest if version and version.manifest else ""


class VerifiedModel:
    """Predictions by one version.

    Raises:
      GreenlightError: on construction, if the files do not match the manifest, or the model cannot be loaded.
    """

    def __init__(self, root: str, number: int, *, public_key: Path | None = None) -> None:
        with (
            as_greenlight_errors(),
            VersionStore(root, verifier=verifier_of(public_key)).fetched(number) as (folder, problems),
        ):
            if problems:
                raise GreenlightError(
                    f"Version {number} does not match its manifest and was not loaded: {problems[0]}. "
                    "Roll it back, or name another with --version."
                )
            self._predictor = _loaded(str(folder), number)
        self._scores = _scores_output(self._predictor)
        self.classes = _class_names(self._predictor)
        """The names of the classes; () for a model of two classes that does not give them."""

    @property
    def version(self) -> int:
        """The number of the version."""
        return self._predictor.version

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """One prediction per text, in one call.

        Raises:
          GreenlightError: the model fails on them.
        """
        given = np.empty(len(texts), object)
        given[:] = [text.encode() for text in texts]
        try:
            answer = self._predictor.run(_SIGNATURE, {_INPUT: given})
        except RequestError as error:
            raise GreenlightError(f"Version {self.version} does not answer: {error.message}") from error
        row = (len(self.classes),) if self._scores == _PROBABILITIES else ()
        labels, scores = answer[_LABEL], answer[self._scores]
        if (labels.shape, scores.shape) != ((len(texts),), (len(texts), *row)):
            what = f"{_PROBABILITY} for each of {len(self.classes)} classes" if row else f"one {_PROBABILITY}"
            raise GreenlightError(f"Version {self.version} does not give {what} and one {_LABEL} a text.")
        return [
            prediction(label.decode("utf-8", "replace"), output, names=self.classes, version=self.version)
            for label, output in zip(labels, scores.tolist(), strict=True)
        ]

    def close(self) -> None:
        """Unloads the model."""
        self._predictor.close()


def _loaded(path: str, number: int) -> Predictor:
    try:
        predictor = load(path, number)
    except LoadError as error:
        raise GreenlightError(f"Version {number} does not load: {error}") from error
    signature = predictor.signatures.get(_SIGNATURE)
    outputs = set(signature.outputs) if signature is not None else set()
    if (
        signature is None
        or set(signature.inputs) != {_INPUT}
        or not (_LABEL in outputs and outputs & {_PROBABILITY, _PROBABILITIES})
    ):
        predictor.close()
        raise GreenlightError(
            f"Version {number} has no signature {_SIGNATURE} that takes {_INPUT} and gives {_PROBABILITY} "
            f"(or {_PROBABILITIES}) and {_LABEL}; it has: {', '.join(predictor.signatures) or 'none'}"
        )
    return predictor


def _scores_output(predictor: Predictor) -> str:
    outputs = predictor.signatures[_SIGNATURE].outputs
    return _PROBABILITIES if _PROBABILITIES in outputs else _PROBABILITY


def _class_names(predictor: Predictor) -> tuple[str, ...]:
    """The names of the classes; () for a model of two classes that does not give them.

    Raises:
      GreenlightError: a model of more classes does not give them.
    """
    try:
        names = class_names(predictor)
    except RequestError:
        names = ()
    if _scores_output(predictor) == _PROBABILITY:
        return names if len(names) == 2 else ()
    if not names:
        predictor.close()
        raise GreenlightError(
            f"Version {predictor.version} gives {_PROBABILITIES}, and not the names of the classes: it has "
            "no signature classify that takes a text and gives `classes`."
        )
    return names


@contextlib.contextmanager
def verified_model(root: str, number: int, *, public_key: Path | None = None) -> Iterator[VerifiedModel]:
    """The loaded model within the block."""
    model = VerifiedModel(root, number, public_key=public_key)
    try:
        yield model
    finally:
        model.close()
