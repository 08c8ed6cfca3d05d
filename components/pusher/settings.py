"""Settings of the Pusher (`push.*`). Light imports only."""

import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator


class PushSettings(BaseModel):
    """The destination and the signatures of versions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    signing_key: Path | None = Field(
        None,
        description="PEM file with the elliptic-curve private key that signs each pushed version (OpenSSF "
        "model-signing, file model.sig). Without it versions are not signed.",
    )
    public_key: Path | None = Field(
        None,
        description="PEM file with the public key that every version's signature is verified with. A version "
        "without a valid signature then fails, also one that was pushed before signing. Without it "
        "signatures are not checked.",
    )
    serving_root: str | None = Field(
        None,
        description="Folder, or address s3://BUCKET/PATH or gs://BUCKET/PATH, under which the versions of "
        "each model are kept. Without it: WORKSPACE/serving; on Kubeflow, kubeflow.serving_root.",
    )
    single_writer: bool = Field(
        False,
        description="Whether never more than one process writes to the versions at a time. An object store "
        "without conditional writes is written to only then.",
    )

    @field_validator("serving_root")
    @classmethod
    def _folder_or_bucket(cls, root: str | None) -> str | None:
        if root is not None and not _ROOT.fullmatch(root):
            raise ValueError("expected a folder, s3://BUCKET/PATH or gs://BUCKET/PATH")
        return root

    def store_for(self, model_name: str, default: Path) -> str:
        """The version store of a model: in `serving_root`, or else `default`."""
        if self.serving_root is None:
            return str(default)
        root = self.serving_root
        folder = root if "://" in root else str(Path(root).expanduser().resolve())
        return f"{folder.rstrip('/')}/{model_name}"

    def of_stage(self) -> str:
        """What the Pusher depends on, as JSON: not the destination, which is a property of its own."""
        unused = {"serving_root"} if self.single_writer else {"serving_root", "single_writer"}
        return self.model_dump_json(exclude=unused)


_ROOT = re.compile(r"(s3|gs)://[a-z0-9][a-z0-9._-]*(/[^/?#]+)*/?|(?!\w+://).+")
