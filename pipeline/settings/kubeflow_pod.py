"""Settings of pods on Kubeflow (`kubeflow.pod.*`). Light imports only."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from pipeline.settings.kubeflow_stage import StageName, of_stage

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
    seconds: int | None = Field(
        None,
        ge=0,
        description="How long a pod stays on a node that gets the taint, with the effect NoExecute. Unset "
        "means as long as it runs.",
    )

    @model_validator(mode="after")
    def _accepted_by_kubernetes(self) -> Toleration:
        if self.operator == "Exists" and self.value is not None:
            raise ValueError('value is only compared by Equal; expected operator = "Equal" beside it')
        if self.operator == "Equal" and self.key is None:
            raise ValueError("Equal compares the value of one taint; expected its key beside it")
        if self.seconds is not None and self.effect != "NoExecute":
            raise ValueError('seconds only counts for NoExecute; expected effect = "NoExecute" beside it')
        return self


class NodeRule(BaseModel):
    """A rule of node affinity: a label that a node has to have, or, with a weight, should have."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: LabelKey = Field(description="The label's key.")
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"] = Field(
        "In", description="How the label is compared with the values."
    )
    values: tuple[LabelValue, ...] = Field(
        (), description="The values: some for In and NotIn, one whole number for Gt and Lt, else none."
    )
    weight: int | None = Field(
        None,
        ge=1,
        le=100,
        description="How much a node with this label is preferred. Unset means that the rule must be met.",
    )

    @model_validator(mode="after")
    def _accepted_by_kubernetes(self) -> NodeRule:
        if self.operator in ("In", "NotIn") and not self.values:
            raise ValueError(f"{self.operator} compares with values; expected values beside it")
        if self.operator in ("Exists", "DoesNotExist") and self.values:
            raise ValueError(f"{self.operator} compares with no values; expected none")
        if self.operator in ("Gt", "Lt") and not (len(self.values) == 1 and self.values[0].isdecimal()):
            raise ValueError(f"{self.operator} compares with a number; expected one whole number in values")
        return self


class StagePodSettings(BaseModel):
    """What the pods get beside image, resources and volumes; of all stages, or of one in addition."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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
    node_affinity: tuple[NodeRule, ...] = Field(
        (),
        description='Rules for nodes: [{ key = "zone", values = ["a", "b"] }]. All rules without a weight '
        "must be met.",
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


class PodSettings(StagePodSettings):
    """What every stage's pod gets beside image, resources and volumes, and what single stages get."""

    service_account: Name | None = Field(
        None, description="Service account of the runs. Unset means the cluster's default."
    )
    image_pull_secrets: tuple[Name, ...] = Field(
        (), description="Secrets with the credentials of the image's registry."
    )
    stages: dict[StageName, StagePodSettings] = Field(
        default_factory=dict,
        description="What the pods of single stages get in addition, for example "
        '{ Pusher = { secret_files = { "/secrets" = "signing-key" } } }. It takes precedence.',
    )

    def of(self, stage: str | None) -> StagePodSettings:
        """The settings of the pod of one stage; with None, of a pod that is not a stage."""
        names = StagePodSettings.model_fields
        own = of_stage(self.stages, stage)
        if own is None:
            return StagePodSettings(**{name: getattr(self, name) for name in names})
        both = {name: (getattr(self, name), getattr(own, name)) for name in names}
        return StagePodSettings(
            **{
                name: {**all_pods, **one} if isinstance(all_pods, dict) else (*all_pods, *one)
                for name, (all_pods, one) in both.items()
            }
        )

    @model_validator(mode="after")
    def _one_source_for_each_variable(self) -> PodSettings:
        for stage in (None, *self.stages):
            pod = self.of(stage)
            twice = sorted(set(pod.env) & set(pod.secret_env))
            if twice:
                raise ValueError(f"{twice[0]} is in env and in secret_env; expected it in one of them")
        return self
