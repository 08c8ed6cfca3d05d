"""The study of early stopping, whose curves a notebook shows."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.errors import GreenlightError, InputError
from greenlight.running import command_with, given_settings
from pipeline.config import Settings
from pipeline.retraining.child_process import child_environment

if TYPE_CHECKING:
    import pandas as pd


def study_early_stopping(
    *,
    workspace: str | os.PathLike[str] | None = None,
    source: str | None = None,
    embedding: str | None = None,
    preset: str = "seed",
    settings: Mapping[str, Any] | None = None,
    config: Sequence[str | os.PathLike[str]] = (),
) -> EarlyStopping:
    """What `greenlight study early-stopping` does: the same fit with and without early stopping.

    The arguments are those of `greenlight.run`. It has a process of its own, and shows no progress.

    Raises:
      InputError: the settings or the input cannot be used.
      GreenlightError: the study failed.
    """
    found = given_settings(
        workspace=workspace,
        source=source,
        embedding=embedding,
        preset=preset,
        settings=settings,
        config=config,
    )
    return EarlyStopping(_facts(found))


def _facts(settings: Settings) -> Mapping[str, Any]:
    """What the command prints as JSON."""
    with command_with(settings, "study", "early-stopping", "--json") as command:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, env=child_environment(), encoding="utf-8"
        )
    if done.returncode == 0:
        return json.loads(done.stdout)
    message = done.stderr.strip().removeprefix("Error: ")
    raise InputError(message) if done.returncode == InputError.exit_code else GreenlightError(message)


class EarlyStopping:
    """Both fits; in a notebook their curves.

    facts: the JSON object of `greenlight study early-stopping --json`.
    """

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self.facts = facts

    @property
    def accuracy(self) -> Mapping[str, float]:
        """The accuracy of each fit's kept weights on the validation examples."""
        return {name: fit["accuracy"] for name, fit in self.facts["fits"].items()}

    def to_pandas(self) -> pd.DataFrame:
        """One row an epoch; the columns are pairs of a fit (`without`, `early_stopping`) and its figure."""
        import pandas as pd

        fits = self.facts["fits"].items()
        return pd.concat(
            {name: pd.DataFrame(fit["epochs"]).set_index("epoch") for name, fit in fits}, axis="columns"
        )

    def __repr__(self) -> str:
        kept = self.facts["fits"]["early_stopping"]["kept_epoch"]
        scores = ", ".join(f"{name} {value:.4f}" for name, value in self.accuracy.items())
        return f"<early stopping kept epoch {kept}; accuracy {scores}>"

    def _repr_svg_(self) -> str | None:
        file = Path(self.facts["files"]["svg"])
        return file.read_text(encoding="utf-8") if file.is_file() else None
