"""A version of the model, verified against its manifest and loaded in this process."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from components.errors import GreenlightError
from components.pusher.published import published_version
from components.store_errors import as_greenlight_errors
from serving.model.loader import LoadError, load
from serving.model.predictor import Predictor
from serving.status import RequestError
from serving.store.signing import KeyVerifier
from serving.transports.calls import Prediction
from serving.versions import VersionStore

_SIGNATURE = "serving_default"
_INPUT, _PROBABILITY, _LABEL = "text", "probability", "label"


def choose_version(root: str, number: int | None) -> int:
    """The live version of the store at `root`, or version `number`; its files are not read yet.

    Raises:
      InputError: it does not exist.
    """
    with as_greenlight_errors():
        return published_version(VersionStore(root), number).number


class VerifiedModel:
    """Predictions by one version.

    Raises:
      GreenlightError: on construction, if the files do not match the manifest, or the model cannot be loaded.
    """

    def __init__(self, root: str, number: int, *, public_key: Path | None = None) -> None:
        with as_greenlight_errors():
            store = VersionStore(root, verifier=KeyVerifier(public_key) if public_key else None)
            problems = store.verify(number)
            if problems:
                raise GreenlightError(
                    f"Version {number} does not match its manifest and was not loaded: {problems[0]}. "
                    "Roll it back, or name another with --version."
                )
            path = next(one.path for one in store.versions() if one.number == number)
        self._predictor = _loaded(path, number)

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
        if any(answer[name].shape != (len(texts),) for name in (_LABEL, _PROBABILITY)):
            raise GreenlightError(
                f"Version {self.version} does not give one {_PROBABILITY} and one {_LABEL} a review."
            )
        return [
            Prediction(label=label.decode("utf-8", "replace"), probability=probability, version=self.version)
            for label, probability in zip(answer[_LABEL], answer[_PROBABILITY].tolist(), strict=True)
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
    fits = (
        signature is not None
        and set(signature.inputs) == {_INPUT}
        and {_PROBABILITY, _LABEL} <= set(signature.outputs)
    )
    if not fits:
        predictor.close()
        raise GreenlightError(
            f"Version {number} has no signature {_SIGNATURE} that takes {_INPUT} and gives {_PROBABILITY} "
            f"and {_LABEL}; it has: {', '.join(predictor.signatures) or 'none'}"
        )
    return predictor


@contextlib.contextmanager
def verified_model(root: str, number: int, *, public_key: Path | None = None) -> Iterator[VerifiedModel]:
    """The loaded model within the block."""
    model = VerifiedModel(root, number, public_key=public_key)
    try:
        yield model
    finally:
        model.close()
