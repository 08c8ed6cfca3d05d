"""Settings of pods on Kubeflow (`kubeflow.pod.*`)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
SecretKey = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/[A-Za-z0-9._-]{1,253}$")
]
Folder = Annotated[str, StringConstraints(pattern=r"^(/[^\s/:]+)+$")]
LabelKey = Annotated[
    str,
    StringConstraints(
        pattern=r"^([a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$"
    ),
]
LabelValue = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$")]

RESERVED = frozenset({"PYTHONPATH", "TF_USE_LEGACY_KERAS"})
"""Environment variables that each step needs as the compilation sets them."""


class Toleration(BaseModel):
    """A taint of nodes that the pods put up with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: LabelKey | None = Field(None, description="The taint's key. Unset means every taint.")
    operator: Literal["Exists", "Equal"] = Field("Exists", description="Equal compares the value as well.")
    value: LabelValue | None = Field(None, description="The taint's value, with the operator Equal.")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        None, description="The taint's effect. Unset means every effect."
    )


class PodSettings(BaseModel):
    """What every stage's pod gets beside image, resources and volumes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    service_account: Name | None = Field(
        None, description="Service account of the runs. Unset means the cluster's default."
    )
    image_pull_secrets: tuple[Name, ...] = Field(
        (), description="Secrets with the credentials of the image's registry."
    )
    env: dict[Variable, str] = Field(
        default_factory=dict, description='Environment variables: { "HTTPS_PROXY" = "http://proxy:3128" }.'
    )
    secret_env: dict[Variable, SecretKey] = Field(
        default_factory=dict,
        description='Environment variables from secrets, as SECRET/KEY: { "TOKEN" = "hub/token" }.',
    )
    secret_files: dict[Folder, Name] = Field(
        default_factory=dict,
        description="Secrets whose keys are files in a folder, such as for push.signing_key: "
        '{ "/secrets" = "signing-key" }.',
    )
    node_selector: dict[LabelKey, LabelValue] = Field(
        default_factory=dict, description="Labels that a node must have to run the pods."
    )
    tolerations: tuple[Toleration, ...] = Field(
        (), description='Tolerations of the pods: [{ key = "nvidia.com/gpu" }].'
    )
    labels: dict[LabelKey, LabelValue] = Field(default_factory=dict, description="Labels of the pods.")
    annotations: dict[LabelKey, str] = Field(default_factory=dict, description="Annotations of the pods.")

    @field_validator("env", "secret_env")
    @classmethod
    def _not_reserved(cls, given: dict[str, str]) -> dict[str, str]:
        taken = sorted(RESERVED & set(given))
        if taken:
            raise ValueError(f"{taken[0]} is set by the compilation; expected another name")
        return given
