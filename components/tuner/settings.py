"""Settings of the Tuner (`tune.*`). Light imports only."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

_Share = Annotated[float, Field(ge=0, lt=1)]
_Width = Annotated[int, Field(ge=1, le=65_536)]


class TuneSettings(BaseModel):
    """How long `greenlight tune` searches, and which values of which training settings it tries."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    trials: int = Field(
        20, ge=1, le=10_000, description="The maximum number of fits, including those of earlier searches."
    )
    minutes: float | None = Field(
        None,
        gt=0,
        description="No trial starts once all fits, including earlier ones, have taken this many "
        "minutes. Unset means that only trials count.",
    )
    seed: int = Field(1, ge=0, lt=2**31, description="The seed of the random values.")
    learning_rate: tuple[Annotated[float, Field(gt=0, le=10)], ...] = Field(
        (1e-3, 2e-3, 3e-3, 5e-3, 1e-2),
        description="Values of trainer.learning_rate to try; empty keeps the current value.",
    )
    batch_size: tuple[Annotated[int, Field(ge=1, le=1_000_000)], ...] = Field(
        (256, 512, 1024), description="Values of trainer.batch_size to try; empty keeps the current value."
    )
    dropout: tuple[_Share, ...] = Field(
        (0.0, 0.1, 0.2, 0.3, 0.4, 0.5),
        description="Values of trainer.dropout to try; empty keeps the current value.",
    )
    hidden_units: tuple[tuple[_Width, ...], ...] = Field(
        ((), (16,), (32,), (64,), (64, 16)),
        description="Values of trainer.hidden_units to try, each a list "
        "of widths; empty keeps the current value.",
    )
    label_smoothing: tuple[_Share, ...] = Field(
        (0.0, 0.05, 0.1, 0.15, 0.2),
        description="Values of trainer.label_smoothing to try; empty keeps the current value.",
    )
