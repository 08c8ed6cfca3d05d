"""Settings of runs on Kubeflow (`kubeflow.*`): addresses, volumes, resources. Light imports only."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from pipeline.settings.kubeflow_pod import PodSettings
from pipeline.settings.kubeflow_stage import StageName, StageResources

_BUCKET = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
ParameterName = Literal["min_accuracy", "epochs", "source", "embedding"]


def _plain(folder: str) -> str:
    """The folder without slashes at its end; one name for one folder, or a volume is not found in it.

    Raises:
      ValueError: it leads elsewhere than it says.
    """
    if {".", ".."} & set(folder.split("/")):
        raise ValueError("expected a path without . and .. in it")
    return folder.rstrip("/") or "/"


def _root(address: str) -> str:
    """The address, if the launcher of KFP finds the same objects under it as this project does.

    Raises:
      ValueError: it does not, or no store has such a bucket.
    """
    scheme, _, rest = address.partition("://")
    path, has_options, options = rest.partition("?")
    bucket, *folders = path.rstrip("/").split("/")
    longest = 222 if scheme == "gs" else 63
    allowed = bucket.replace("_", "-") if scheme == "gs" else bucket
    if not _BUCKET.fullmatch(allowed) or len(bucket) > longest or ".." in bucket:
        raise ValueError(
            f"{bucket!r} is not the name of a bucket; expected at most {longest} of a-z, 0-9, dot and dash, "
            "with a letter or digit at both ends"
        )
    if {"", ".", ".."} & set(folders):
        raise ValueError("expected a path without //, . and .. in it")
    if "#" in rest or (has_options and (scheme == "gs" or not options)):
        raise ValueError("expected a bucket and a folder, with nothing behind them")
    return address


def _without_options(place: str) -> str:
    """The folder; its address is continued with names of files, so that nothing may be behind it."""
    if "://" in place and ("?" in place or "#" in place):
        raise ValueError("expected a bucket and a folder, with nothing behind them")
    return _root(place) if "://" in place else place


Address = Annotated[str, StringConstraints(pattern=r"^(gs|s3|minio)://[^\s/]\S*$"), AfterValidator(_root)]
PodFolder = Annotated[str, StringConstraints(pattern=r"^/\S*$"), AfterValidator(_plain)]
Mount = Annotated[str, StringConstraints(pattern=r"^(/[^\s/:]+)+/?$"), AfterValidator(_plain)]
Place = Annotated[
    str,
    StringConstraints(pattern=r"^((gs|s3)://[^\s/]|/)\S*$"),
    AfterValidator(_plain),
    AfterValidator(_without_options),
]
Claim = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")]
Host = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$")]

SECONDS_A_DAY = 86_400.0


class ApiSettings(BaseModel):
    """How `submit` and `schedule` reach Kubeflow Pipelines; never in what is compiled."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: Host | None = Field(
        None, description="URL of Kubeflow Pipelines, such as https://kubeflow.example/pipeline."
    )
    namespace: str | None = Field(
        None,
        pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
        description="The profile's namespace in a multi-user Kubeflow; unset in a single-user one.",
    )
    experiment: str = Field(
        "greenlight", min_length=1, max_length=100, description="Experiment that the runs belong to."
    )
    token_file: Path | None = Field(
        None,
        description="File with a bearer token, read anew for every request. Unset means the "
        "environment variable GREENLIGHT_KUBEFLOW_TOKEN; without either no token is sent.",
    )
    ca_file: Path | None = Field(
        None, description="PEM file of the authority that signed the host's certificate, if it is private."
    )
    request_seconds: float = Field(
        30.0, gt=0, le=3600, description="The timeout of a single request, in seconds."
    )
    poll_seconds: float = Field(
        10.0,
        gt=0,
        le=3600,
        description="The interval between status checks while waiting for a run, in seconds.",
    )
    wait_seconds: float = Field(
        SECONDS_A_DAY, gt=0, description="How long `greenlight submit` waits for its run to end, in seconds."
    )


class KubeflowSettings(BaseModel):
    """What is to be known of a cluster; runs on this machine ignore it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    image: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@-]*$",
        description="Container image of every stage, with this project in it; name it by digest or by the "
        "commit's tag. `greenlight compile` needs it.",
    )
    pipeline_root: Address | None = Field(
        None,
        description="Address under which the runs' artifacts are kept, such as gs://bucket/greenlight or "
        "minio://mlpipeline/greenlight. `greenlight compile` needs it.",
    )
    serving_root: Place | None = Field(
        None,
        description="Where the version store is: versions go to a folder of the model's name in it. An "
        "address, or the folder of a volume (kubeflow.volumes). Unset means the folder `serving` in "
        "kubeflow.pipeline_root, where that is a gs:// or s3:// address.",
    )
    volumes: dict[Mount, Claim] = Field(
        default_factory=dict,
        description='Folder -> persistent volume claim, mounted in every stage: { "/models" = '
        '"greenlight-models" }.',
    )
    pipeline_name: str | None = Field(
        None,
        pattern=r"^[a-z0-9][a-z0-9-]{0,127}$",
        description="The pipeline's name on the cluster. Unset means model_name, with dashes for what "
        "Kubeflow does not allow.",
    )
    project_dir: PodFolder = Field(
        "/app",
        description="Folder of this project in the image: the one with pipeline, components and serving.",
    )
    cache_dir: PodFolder = Field(
        "/var/cache/greenlight",
        description="Folder in the pod for built and downloaded embeddings, instead of cache_dir. The "
        "container's user must be able to write to it.",
    )
    enable_cache: bool = Field(
        True,
        description="Whether stages with unchanged inputs are taken from Kubeflow's cache. Pushing never is; "
        "reading is for the packaged source, unless `source` is among kubeflow.parameters.",
    )
    cache: dict[StageName, bool] = Field(
        default_factory=dict,
        description="The same for single stages, for example { Trainer = false }. Stages that read state "
        "outside of the pipeline cannot be switched on.",
    )
    alerts: bool = Field(
        False,
        description="Whether a last task sends the alert of each run, however it ended, to the receivers of "
        "`alerts`. Their addresses come from secrets (kubeflow.pod). Needs Kubeflow Pipelines 2.5 or later.",
    )
    retries: int = Field(
        0,
        ge=0,
        le=10,
        description="How often a failed stage is started again. KFP cannot distinguish a lost machine "
        "from data that stops the run. Needs Kubeflow Pipelines 2.4.1 or later; together with "
        "kubeflow.alerts, 2.14 or later.",
    )
    parameters: tuple[ParameterName, ...] = Field(
        ("min_accuracy", "epochs", "source", "embedding"),
        description="The settings that each run on the cluster can override. They are min_accuracy "
        "(gate.min_accuracy), epochs (trainer.epochs), source (data.source), embedding (embedding.name).",
    )
    resources: dict[StageName, StageResources] = Field(
        default_factory=dict,
        description="Resources of single stages, for example { Trainer = { cpu = 4, memory_gib = 8 } }.",
    )

    pod: PodSettings = Field(PodSettings(), description="Settings of the pods for platform teams.")
    api: ApiSettings = Field(ApiSettings(), description="The address of Kubeflow Pipelines.")

    def name_for(self, model_name: str) -> str:
        """The pipeline's name on the cluster: letters of a-z, digits and dashes."""
        allowed = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in model_name)
        return self.pipeline_name or allowed.lower()

    def store_for(self, model_name: str) -> str:
        """The version store's address. Needs `pipeline_root`."""
        root = self.serving_root or f"{(self.pipeline_root or '').rstrip('/')}/serving"
        return f"{root.rstrip('/')}/{model_name}"
