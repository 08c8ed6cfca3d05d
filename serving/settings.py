"""Settings of the server (`serve.*`). Light imports only."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


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
        description="How many of the newest good versions are loaded and answer when asked for by number. "
        "1 is TensorFlow Serving's policy, too.",
    )
    poll_seconds: float = Field(
        1.0, gt=0, le=3600, description="The interval between scans of the folder of versions."
    )

    load_seconds: float = Field(
        120,
        gt=0,
        le=86_400,
        description="How long a version may take to be verified, loaded and to answer; then it is refused.",
    )

    max_batch: int = Field(64, ge=1, le=65536, description="The most rows that are put into one model call.")
    max_delay_ms: float = Field(
        1.0,
        ge=0,
        le=10_000,
        description="How long rows may wait to be batched while the model is busy. "
        "An idle model never waits.",
    )
    max_queue: int = Field(
        4096,
        ge=1,
        le=10_000_000,
        description="The most rows that may wait. Requests beyond are answered 503 (gRPC "
        "RESOURCE_EXHAUSTED), with the time after which to try again.",
    )
    workers: int = Field(
        0,
        ge=0,
        le=256,
        description="Model calls at the same time; 0 means half the processors, and one at least.",
    )
    inline_ms: float = Field(
        3.0,
        ge=0,
        le=100,
        description="A lone row on an idle model is answered without changing threads if a call like it has "
        "taken less than this. 0 never does.",
    )
    timeout_seconds: float = Field(
        30, gt=0, le=3600, description="How long a request may take before it is answered 504."
    )

    max_body_bytes: int = Field(
        4 * 2**20, ge=1024, le=2**31 - 1, description="The largest body of a request, or gRPC message."
    )
    max_rows: int = Field(1024, ge=1, le=1_000_000, description="The most rows in one request.")
    max_text_bytes: int = Field(
        2**20, ge=1, le=2**31 - 1, description="The longest single text (or serialized tf.Example), in bytes."
    )
    max_connections: int = Field(
        1000,
        ge=1,
        le=1_000_000,
        description="The most HTTP connections at the same time, and as many of gRPC; more get 503, or are "
        "closed.",
    )
    header_seconds: float = Field(
        10, gt=0, le=3600, description="How long a client may take to send a request's line and headers."
    )
    body_seconds: float = Field(30, gt=0, le=3600, description="How long a client may take to send a body.")
    idle_seconds: float = Field(75, gt=0, le=86_400, description="How long an idle connection is kept open.")
    drain_seconds: float = Field(
        20, ge=0, le=3600, description="How long requests in flight may take to end after SIGTERM."
    )

    api_keys: Path | None = Field(
        None,
        description="File with API keys, one a line. With it, every request but health needs one: "
        "`Authorization: Bearer KEY` or `X-API-Key: KEY`.",
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
        description="How long after SIGTERM requests are still taken while the server says that it is not "
        "ready: as long as a load balancer needs to notice.",
    )
    access_log: bool = Field(
        True, description="Whether each request leaves a line of JSON on standard error, without its content."
    )
    request_log_share: float = Field(
        0.0,
        ge=0,
        le=1,
        description="The share of the answered texts that are kept, with their answers, in the request log. "
        "0 keeps nothing.",
    )
    request_log_dir: Path | None = Field(
        None,
        description="Folder of the request log. Unset means `requests/MODEL_NAME` in the workspace.",
    )
    request_log_max_mib: int = Field(
        1024, ge=1, le=1_000_000, description="The request log's size beyond which its oldest files go."
    )
    request_log_days: float = Field(
        30, gt=0, le=36_500, description="Days after which files of the request log are deleted."
    )
