"""The settings of a run: one frozen, validated object from files, environment and flags.

Light imports only: a mistake in the settings is answered before TensorFlow is loaded.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from components.data_check.settings import CheckSettings
from components.drift.settings import DriftSettings
from components.embeddings.settings import EmbeddingSettings
from components.errors import InputError
from components.evaluator.settings import GateSettings
from components.example_gen.settings import FILES_PREFIX, SPANS, DataSettings
from components.infra_validator.settings import InfraSettings
from components.pusher.settings import PushSettings
from components.trainer.settings import TrainerSettings
from components.tuner.settings import TuneSettings
from pipeline.settings import errors as config_errors
from pipeline.settings import layers as config_layers
from pipeline.settings.alerts import AlertSettings
from pipeline.settings.beam import BeamSettings
from pipeline.settings.kubeflow import KubeflowSettings
from pipeline.settings.lineage import LineageSettings
from pipeline.settings.retrain import RetrainSettings
from serving.settings import ServeSettings

WORKSPACE_SPANS = "spans/span-{SPAN}/*"
"""The default pattern of the files that `greenlight data add` lands, relative to the workspace."""

PRESETS: dict[str, dict[str, Any]] = {
    # The lesson's split: 15,000 examples to train on, 10,000 to validate on, none beside.
    "seed": {"data": {"train_weight": 15_000, "eval_weight": 10_000, "test_weight": 0}},
}


def _local_folder(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if not value.strip():
        raise ValueError("a path may not be empty; `.` is the current folder")
    if "://" in value:
        raise ValueError("expected a folder on this machine, not an address")
    try:
        return str(Path(value).expanduser())
    except RuntimeError as error:
        raise ValueError(f"{str(error).rstrip('.')}; write the path out") from error


LocalFolder = Annotated[Path, BeforeValidator(_local_folder)]


DEFAULT_WORKSPACE, DEFAULT_MODEL = Path("workspace"), "imdb_sentiment"


class Settings(BaseModel):
    """All settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    workspace: LocalFolder = Field(
        DEFAULT_WORKSPACE,
        description="Folder for all output of runs: lineage, artifacts, promoted versions, logs, "
        "reports. Relative to the current folder.",
    )
    cache_dir: LocalFolder | None = Field(
        None,
        description="Folder of built and downloaded embeddings, shared by all workspaces. Unset means "
        "`~/.cache/greenlight` (or `$XDG_CACHE_HOME/greenlight`). Relative to the current folder.",
    )
    model_name: str = Field(
        DEFAULT_MODEL,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$",
        max_length=100,
        description="The model's name: the folder of its versions, and part of its URL.",
    )
    data: DataSettings = Field(DataSettings(), description="The source of examples, and the splits.")
    check: CheckSettings = Field(CheckSettings(), description="The checks before training.")
    embedding: EmbeddingSettings = Field(EmbeddingSettings(), description="The pre-trained first layer.")
    trainer: TrainerSettings = Field(TrainerSettings(), description="The classifier and its training.")
    tune: TuneSettings = Field(TuneSettings(), description="The search of `greenlight tune` and its budget.")
    gate: GateSettings = Field(GateSettings(), description="The conditions for a promotion.")
    infra: InfraSettings = Field(InfraSettings(), description="The canary check of the exported model.")
    push: PushSettings = Field(PushSettings(), description="The destination and the signatures of versions.")
    drift: DriftSettings = Field(DriftSettings(), description="The thresholds of drift.")
    metadata: LineageSettings = Field(LineageSettings(), description="The lineage store.")
    beam: BeamSettings = Field(BeamSettings(), description="The Beam runner of the data stages.")
    kubeflow: KubeflowSettings = Field(
        KubeflowSettings(), description="The cluster for `greenlight compile`, `submit` and `schedule`."
    )

    serve: ServeSettings = Field(ServeSettings(), description="The model server.")
    retrain: RetrainSettings = Field(RetrainSettings(), description="The triggers and limits of retraining.")
    alerts: AlertSettings = Field(AlertSettings(), description="The receivers of alerts.")

    @property
    def located_data(self) -> DataSettings:
        """`data` with `spans` written out as the pattern of the workspace's own spans."""
        if self.data.kind != SPANS:
            return self.data
        return self.data.model_copy(update={"source": f"{FILES_PREFIX}{self.workspace / WORKSPACE_SPANS}"})

    @property
    def cache(self) -> Path:
        """The cache folder in force, absolute. It need not exist yet."""
        return (self.cache_dir or _own_cache() or self.workspace / "cache").absolute()


def _own_cache() -> Path | None:
    """The user's cache folder for this project; None where the user has no home, as in some containers."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "greenlight"
    except RuntimeError:
        return None


def load(
    *,
    file: Path | Sequence[Path] | None = None,
    preset: str | None = None,
    workspace: str | None = None,
    source: str | None = None,
    embedding: str | None = None,
    assignments: Sequence[str] = (),
    values: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """The settings in force, each layer over the one before it: defaults, preset, files, environment, flags,
    `KEY=VALUE` assignments, values.

    Args:
      file: a TOML file, or several; later files win key by key, tables such as `data.labels` as a whole.
      values: Python values by dotted key, such as `{"trainer.epochs": 10}`.
      environment: variables such as GREENLIGHT_GATE__MIN_ACCURACY count; None reads no variables.

    Raises:
      InputError: something of it cannot be used; the message names every such key, its value and the remedy.
    """
    return parse(
        layers(
            file=file,
            preset=preset,
            workspace=workspace,
            source=source,
            embedding=embedding,
            assignments=assignments,
            values=values,
            environment=environment,
        )
    )


def layers(
    *,
    file: Path | Sequence[Path] | None = None,
    preset: str | None = None,
    workspace: str | None = None,
    source: str | None = None,
    embedding: str | None = None,
    assignments: Sequence[str] = (),
    values: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
) -> config_layers.Merged:
    """What `load` validates: the given settings with the origin of each; the arguments are those of `load`.

    Raises:
      InputError: a layer cannot be read.
    """
    found = []
    if preset is not None:
        if preset not in PRESETS:
            raise InputError(f"There is no preset {preset!r}. There is: {', '.join(PRESETS)}.")
        found.append(config_layers.Layer(f"preset {preset}", PRESETS[preset]))
    files = [file] if isinstance(file, Path) else file or ()
    found += [config_layers.read_file(each) for each in files]
    found += config_layers.read_environment(environment or {}, model=Settings)
    flags = {"workspace": workspace, "data.source": source, "embedding.name": embedding}
    found += [
        config_layers.at_key(key, value, origin=f"--{key.split('.')[0].replace('data', 'source')}")
        for key, value in flags.items()
        if value is not None
    ]
    found += [config_layers.read_assignment(text, model=Settings) for text in assignments]
    found += [config_layers.at_key(key, value, origin="settings") for key, value in (values or {}).items()]
    return config_layers.merge(found, model=Settings)


def parse(given: config_layers.Merged) -> Settings:
    """Validates what the layers came to.

    JSON's strict mode is TOML's own idea of types: lists become tuples and text becomes paths, but 3.0 is no
    whole number, "3" no number and 1 no boolean.
    """
    config_errors.refuse_unusable(Settings, given)
    try:
        settings = Settings.model_validate_json(json.dumps(given.values, default=str), strict=True)
    except ValidationError as error:
        raise InputError(config_errors.describe_errors(Settings, error, given)) from None
    require_judgeable(settings)
    return settings


def require_judgeable(settings: Settings) -> None:
    """Raises InputError if the data lacks a class or a column that a condition of the gate is about.

    The names of classes that are still to be learned from the files are not checked.
    """
    problem = settings.gate.problem(
        classes=None if settings.data.learns_classes else settings.data.class_names,
        slice_columns=settings.data.slice_columns,
    )
    if problem is not None:
        raise InputError(f"gate.{problem}")


def to_toml(settings: Settings) -> str:
    """`settings` as a TOML file that `load` reads back to the same; unset keys are left out."""
    import tomli_w

    return tomli_w.dumps(_without_unset(settings.model_dump(mode="json")))


def given_as_toml(settings: Settings) -> str:
    """Only what was set on purpose; what it leaves out follows the defaults."""
    import tomli_w

    return tomli_w.dumps(_without_unset(settings.model_dump(mode="json", exclude_unset=True)))


def _without_unset(values: dict[str, Any]) -> dict[str, Any]:
    """TOML has no null. Not pydantic's `exclude_none`: that drops the limits that are "off" as well."""
    kept = {key: value for key, value in values.items() if value is not None}
    return {key: _without_unset(value) if isinstance(value, dict) else value for key, value in kept.items()}
