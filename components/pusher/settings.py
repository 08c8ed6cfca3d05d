"""Settings of the Pusher (`push.*`). Light imports only."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class PushSettings(BaseModel):
    """The signatures of versions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    signing_key: Path | None = Field(
        None,
        description="PEM file with the elliptic-curve private key that signs each pushed version (OpenSSF "
        "model-signing, file model.sig). Without it versions are not signed.",
    )
    public_key: Path | None = Field(
        None,
        description="PEM file with the public key that every version's signature is verified with: a version "
        "without a valid signature then fails. Without it signatures are not checked.",
    )
