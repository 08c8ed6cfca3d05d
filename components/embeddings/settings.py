"""Settings of the text embedding. Light imports only: `greenlight config` reads this file."""

from pydantic import BaseModel, ConfigDict, Field


class EmbeddingSettings(BaseModel):
    """Which pre-trained text embedding is the model's first layer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(
        "glove-6b-50d",
        min_length=1,
        description="A name of `greenlight embeddings`, the URL of a TF Hub module, or the folder of one on "
        "this machine. The default needs no network: it is built here from the packaged GloVe vectors. "
        "`none` uses word n-grams alone.",
    )
    vocabulary_size: int = Field(
        50_000,
        ge=1,
        le=400_000,
        description="How many of the most frequent words keep their own vector; rarer words share hashed "
        "rows. Only for embeddings that are built here (glove-6b-50d).",
    )
    trainable: bool = Field(
        True,
        description="Whether training changes the embedding's vectors. A module without trainable variables "
        "is refused when this is true.",
    )

    @property
    def trained(self) -> bool:
        """Whether it has vectors, and training changes them."""
        return self.trainable and self.name != "none"
