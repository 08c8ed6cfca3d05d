"""Settings of the server (`serve.*`). Light imports only."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _no_address(value: object) -> object:
    """Refuses an address, which as a path would be a folder named for its scheme."""
    if isinstance(value, str) and "://" in value:
        raise ValueError("expected a folder on this machine, not an address")
    return value


LocalFolder = Annotated[Path, BeforeValidator(_no_address)]


class ServeSettings(BaseModel):
    """Where the server listens, what it serves, and the limits it keeps to."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="Address to listen on. Any but a loopback address needs serve.api_keys, "
        "serve.api_key_variable or serve.tls_certificate.",
    )
    rest_port: int = Field(8501, ge=0, le=65535, description="HTTP port; 0 chooses a free one.")
    grpc_port: int = Field(8500, ge=0, le=65535, description="gRPC port; 0 chooses a free one.")
    grpc: bool = Field(True, description="Whether to serve gRPC beside HTTP.")

    version: int | None = Field(
        None, ge=1, description="Serve only this version. Unset means the newest good one, always."
    )
    versions: int = Field(
        1,
        ge=1,
        le=16,
        description="The number of newest good versions that are loaded and answer requests by number. "
        "1 is TensorFlow Serving's default, too.",
    )
    poll_seconds: float = Field(
        1.0, gt=0, le=3600, description="The interval between scans of the folder of versions."
    )

    load_seconds: float = Field(
        120,
        gt=0,
        le=86_400,
        description="The time limit for verifying, loading and trying a version, in seconds; then it is "
        "refused.",
    )

    max_batch: int = Field(64, ge=1, le=65536, description="The maximum number of rows in one model call.")
    max_delay_ms: float = Field(
        1.0,
        ge=0,
        le=10_000,
        description="The maximum time that rows wait to be batched while the model is busy, in "
        "milliseconds. An idle model never waits.",
    )
    max_queue: int = Field(
        4096,
        ge=1,
        le=10_000_000,
        description="The maximum number of waiting rows. Requests beyond it are answered 503 (gRPC "
        "RESOURCE_EXHAUSTED), with the time after which to try again.",
    )
    workers: int = Field(
        0,
        ge=0,
        le=256,
        description="The maximum number of parallel model calls; 0 means half the processors, and at "
        "least one.",
    )
    inline_ms: float = Field(
        3.0,
        ge=0,
        le=100,
        description="A single row on an idle model is answered without changing threads if such a call "
        "has taken less than this, in milliseconds. 0 never does.",
    )
    timeout_seconds: float = Field(
        30, gt=0, le=3600, description="The time limit of a request, in seconds; then it is answered 504."
    )

    max_body_bytes: int = Field(
        4 * 2**20,
        ge=1024,
        le=2**31 - 1,
        description="The maximum size of a request body or gRPC message, in bytes.",
    )
    max_rows: int = Field(1024, ge=1, le=1_000_000, description="The maximum number of rows in one request.")
    max_text_bytes: int = Field(
        2**20,
        ge=1,
        le=2**31 - 1,
        description="The maximum size of a single text (or serialized tf.Example), in bytes.",
    )
    max_connections: int = Field(
        1000,
        ge=1,
        le=1_000_000,
        description="The maximum number of HTTP connections, and of gRPC connections; more get 503, or "
        "are closed.",
    )
    header_seconds: float = Field(
        10, gt=0, le=3600, description="The time limit for a request's line and headers, in seconds."
    )
    body_seconds: float = Field(
        30, gt=0, le=3600, description="The time limit for a request's body, in seconds."
    )
    idle_seconds: float = Field(
        75, gt=0, le=86_400, description="How long an idle connection is kept open, in seconds."
    )
    drain_seconds: float = Field(
        20, ge=0, le=3600, description="The time limit for requests in flight after SIGTERM, in seconds."
    )

    api_keys: Path | None = Field(
        None,
        description="File with API keys, one per line. With it, every request except health checks "
        "needs a key: `Authorization: Bearer KEY` or `X-API-Key: KEY`.",
    )
    api_key_variable: str | None = Field(
        None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Name of an environment variable with an API key, instead of the file or beside it.",
    )
    tls_certificate: Path | None = Field(
        None, description="PEM file with the certificate chain: serves HTTPS and gRPC over TLS."
    )
    tls_key: Path | None = Field(None, description="PEM file with the certificate's private key.")
    cors_origins: tuple[str, ...] = Field(
        (), description='Origins of web pages that may call the server, or ["*"]. None by default.'
    )

    drain_delay_seconds: float = Field(
        0.5,
        ge=0,
        le=3600,
        description="How long requests are still accepted after SIGTERM while the server reports that "
        "it is not ready, in seconds. Set it as long as a load balancer needs to notice.",
    )
    access_log: bool = Field(
        True,
        description="Whether each request is logged as a line of JSON on standard error, without its "
        "content.",
    )
    request_log_share: float = Field(
        0.0,
        ge=0,
        le=1,
        description="The share of answered texts that are written, with their predictions, to the "
        "request log. 0 writes nothing.",
    )
    request_log_dir: LocalFolder | None = Field(
        None,
        description="Folder of the request log. Unset means `requests/MODEL_NAME` in the workspace.",
    )
    request_log_max_mib: int = Field(
        1024,
        ge=1,
        le=1_000_000,
        description="The maximum size of the request log, in MiB; beyond it the oldest files are deleted.",
    )
    request_log_days: float = Field(
        30, gt=0, le=36_500, description="Days after which files of the request log are deleted."
    )
