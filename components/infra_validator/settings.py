"""Settings of InfraValidator (`infra.*`). Light imports only."""

from pydantic import BaseModel, ConfigDict, Field


class InfraSettings(BaseModel):
    """Limits of the canary check; the defaults catch a broken model, not a slow machine."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    enabled: bool = Field(
        True, description="Whether the exported model is loaded in a fresh process and queried before a push."
    )
    timeout_seconds: float = Field(
        180,
        gt=0,
        le=86_400,
        description="The time limit for loading and all canaries together, in seconds.",
    )
    max_latency_ms: float = Field(
        250, gt=0, description="The highest median time of a call with one text, in milliseconds."
    )
    max_memory_mb: float = Field(
        4096, gt=0, description="The highest memory use of the serving process, TensorFlow included, in MiB."
    )
    samples: int = Field(
        16, ge=1, le=256, description="The number of texts of the data that are sent beside the edge cases."
    )
    batch_size: int = Field(256, ge=2, le=65536, description="The size of the large batch that is sent.")
    tolerance: float = Field(
        1e-4,
        ge=0,
        le=1,
        description="The maximum difference of two probabilities of the same text: between signatures, "
        "batch sizes and the loads in two processes.",
    )
