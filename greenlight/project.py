"""A workspace as an object: its runs, its versions, and predictions of the live one."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any

from components.errors import InputError
from components.store_errors import as_greenlight_errors
from pipeline.commands.options import settings_files
from pipeline.config import Settings
from pipeline.config import load as load_settings
from pipeline.workspace.layout import Workspace
from pipeline.workspace.past_runs import PastRun, past_runs
from pipeline.workspace.version_store import store_root
from serving.transports.calls import Prediction
from serving.versions import VersionStore

if TYPE_CHECKING:
    import pandas as pd

    from components.batch_prediction.verified_model import VerifiedModel
    from serving.store.records import Version


def load(
    workspace: str | os.PathLike[str] | None = None,
    *,
    model_name: str | None = None,
    config: Sequence[str | os.PathLike[str]] = (),
) -> Project:
    """The project in a workspace folder, which may still be empty.

    Args:
      workspace: the folder; by default that of the settings.
      model_name: the model's name; by default that of the settings.
      config: TOML files with settings; `greenlight.toml` of the current folder by default.

    Raises:
      InputError: the settings cannot be used.
    """
    settings = load_settings(
        file=settings_files([os.fspath(file) for file in config]),
        environment=os.environ,
        workspace=None if workspace is None else os.fspath(workspace),
        values={} if model_name is None else {"model_name": model_name},
    )
    return Project(settings)


class Project:
    """The runs and versions of a workspace, read from the disk each time."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def __repr__(self) -> str:
        return f"<Project in {self.settings.workspace}>"

    @property
    def runs(self) -> Runs:
        """All runs, oldest first."""
        return Runs(past_runs(Workspace.of(self.settings)))

    @property
    def versions(self) -> list[Version]:
        """All versions, also those that were rolled back, largest number first.

        Raises:
          GreenlightError: the folder of versions cannot be read.
        """
        with as_greenlight_errors():
            return VersionStore(self._versions_folder).versions()

    @property
    def live(self) -> LoadedVersion:
        """The live version, verified and loaded.

        Raises:
          InputError: no version is live.
          GreenlightError: its files do not match its manifest, or it does not load.
        """
        return self.version(None)

    def version(self, number: int | str | None) -> LoadedVersion:
        """A version by its number, verified and loaded; it raises what `live` raises.

        number: also as text, as `Result.version` has it.
        """
        from components.batch_prediction.verified_model import VerifiedModel, choose_version

        try:
            wanted = None if number is None else int(number)
        except ValueError:
            raise InputError(f"expected the number of a version, and not {number!r}.") from None
        chosen = choose_version(self._versions_folder, wanted)
        public_key = self.settings.push.public_key
        with _quiet_tensorflow():
            return LoadedVersion(VerifiedModel(self._versions_folder, chosen, public_key=public_key))

    @property
    def _versions_folder(self) -> str:
        return store_root(self.settings)


@contextmanager
def _quiet_tensorflow() -> Iterator[None]:
    """Without the lines that TensorFlow logs when it loads a model; what fails is raised."""
    import tensorflow  # noqa: F401 - it sets the level of its log when it is imported

    log = logging.getLogger("tensorflow")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


class LoadedVersion:
    """A version of the model in this process, for as long as it is needed. A context manager."""

    def __init__(self, model: VerifiedModel) -> None:
        self._model = model

    @property
    def number(self) -> int:
        return self._model.version

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """One prediction a text, in one call; none for no text.

        Raises:
          TypeError: `texts` is a single text, or holds something else than texts.
          GreenlightError: the model fails on them.
        """
        if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
            raise TypeError("predict takes a list of texts, such as ['A text to label.']")
        return self._model.predict(list(texts))

    def close(self) -> None:
        """Frees the model."""
        self._model.close()

    def __enter__(self) -> LoadedVersion:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<version {self.number}>"


class Runs(Sequence[PastRun]):
    """The runs of a workspace, oldest first; in a notebook a table."""

    def __init__(self, runs: Sequence[PastRun]) -> None:
        self._runs = tuple(runs)

    def __len__(self) -> int:
        return len(self._runs)

    def __getitem__(self, index: Any) -> Any:
        return self._runs[index]

    def __iter__(self) -> Iterator[PastRun]:
        return iter(self._runs)

    def to_pandas(self) -> pd.DataFrame:
        """One row a run: the facts of `greenlight runs --json`, the run's id as the index."""
        import pandas as pd

        facts = [run.facts() for run in self._runs]
        columns = list(facts[0]) if facts else ["verdict", "accuracy", "version", "seconds", "approval"]
        return pd.DataFrame(
            facts, columns=columns, index=pd.Index([run.id for run in self._runs], name="run")
        )

    def __repr__(self) -> str:
        return f"<{len(self)} runs>"

    def _repr_html_(self) -> str:
        return self.to_pandas().to_html()
