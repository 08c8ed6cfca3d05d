"""Settings of the training stage. Light imports only: `greenlight config` reads this file."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class TrainerSettings(BaseModel):
    """The classifier on top of the embedding, its optimizer, and when the fit stops."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: int = Field(40, ge=1, description="The largest number of passes over the training reviews.")
    batch_size: int = Field(512, ge=1, description="Reviews in one optimizer step.")
    learning_rate: float = Field(3e-3, gt=0, le=10, description="Adam's learning rate.")
    seed: int = Field(
        1,
        ge=0,
        lt=2**31,
        description="Seeds the initial weights, the order of the reviews and dropout. The same seed, "
        "settings and reviews give the same model.",
    )
    early_stopping: bool = Field(
        True, description="Whether the fit ends when `monitor` has not improved for `patience` epochs."
    )
    monitor: Literal["val_loss", "val_accuracy", "loss", "accuracy"] = Field(
        "val_loss", description="The figure that early stopping watches; val_* is measured on the eval split."
    )
    min_delta: float = Field(
        1e-3, ge=0, description="The smallest change of `monitor` that counts as an improvement."
    )
    patience: int = Field(5, ge=0, description="Epochs without improvement before the fit ends.")
    restore_best_weights: bool = Field(
        True,
        description="Whether the model keeps the weights of its best epoch instead of its last; with early "
        "stopping only.",
    )
    hidden_units: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (16,),
        description="Width of each dense hidden layer (relu) between the embedding and the output; may be "
        "empty.",
    )
    dropout: float = Field(
        0.3,
        ge=0,
        lt=1,
        description="Share of the embedding's outputs that each training step sets to zero; 0 turns it off.",
    )
    encode_once: bool = Field(
        True,
        description="Whether what training cannot change is done once and kept in memory: token ids, or the "
        "vectors of a frozen embedding. The model is the same either way; this is only faster.",
    )
