"""The release: a version, verified against its manifest, with the facts for a deployment."""

from __future__ import annotations

import dataclasses

from components.errors import GreenlightError
from components.pusher.published import published_version
from serving.versions import VersionStore

SERVER = "tensorflow/serving:2.19.1"
"""TensorFlow Serving's newest release; it loads the SavedModels of older TensorFlows as well."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Release:
    """A published version whose every file is what its manifest says.

    `store` is the absolute path of the folder of versions, `digest` the manifest's digest of the model.
    """

    model_name: str
    version: int
    store: str
    digest: str

    @property
    def labels(self) -> dict[str, str]:
        """What to find a deployed version by again, in a cluster or among containers."""
        return {
            "greenlight.model": self.model_name,
            "greenlight.version": str(self.version),
            "greenlight.digest": self.digest,
        }


def choose(store: VersionStore, *, model_name: str, number: int | None) -> Release:
    """The version of that number, or the live one.

    Raises:
      InputError: there is no such published version.
      GreenlightError: its files are not what its manifest says.
      StoreError: the folder cannot be read.
    """
    version = published_version(store, number)
    problems = store.verify(version.number)
    if problems or version.digest is None:
        found = "\n".join(f"  {problem}" for problem in problems)
        raise GreenlightError(
            f"Version {version.number} does not match its manifest and is not deployed:\n{found}\n"
            "`greenlight verify` shows which versions do; `greenlight rollback` goes back to one."
        )
    return Release(
        model_name=model_name, version=version.number, store=str(store.root), digest=version.digest
    )
