"""Settings of drift: thresholds and chance (`drift.*`). Light imports only."""

from pydantic import BaseModel, ConfigDict, Field

from components.evaluator.settings import Switchable

_OFF = '"off" leaves it out.'


class DriftSettings(BaseModel):
    """The limits for the differences between examples and the training data of the live model.

    A limit is for large samples; the sampling error at the size of the sample is added to it (`risk`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    max_length_divergence: Switchable = Field(
        0.02,
        ge=0,
        le=1,
        description="The largest Jensen-Shannon divergence (0 to 1) between the lengths of the texts, "
        f"counted in words. {_OFF}",
    )
    max_unknown_divergence: Switchable = Field(
        0.02,
        ge=0,
        le=1,
        description=f"The same between the shares of words that the live embedding has no vector for. {_OFF}",
    )
    max_label_change: Switchable = Field(
        0.1,
        ge=0,
        le=1,
        description="The largest difference (L-infinity) between the shares of a class; labeled examples "
        f"only. {_OFF}",
    )
    max_prediction_divergence: Switchable = Field(
        0.02,
        ge=0,
        le=1,
        description="The largest Jensen-Shannon divergence between the live model's probabilities, on "
        f"examples that it was not trained on. {_OFF}",
    )
    max_embedding_distance: Switchable = Field(
        0.2,
        ge=0,
        le=10,
        description="The largest distance between the mean embeddings, in units of the spread of single "
        f"examples. {_OFF}",
    )
    max_error_increase: Switchable = Field(
        0.05,
        ge=0,
        le=1,
        description="How much more often the live model may be wrong than on examples of its own data that "
        f"it was not trained on; labeled examples only. {_OFF}",
    )
    risk: float = Field(
        0.001,
        gt=0,
        lt=0.5,
        description="The probability, for each figure, that sampling error alone exceeds a limit of "
        "zero. Smaller samples get a larger allowance on top of the limit.",
    )
    min_examples: int = Field(
        20,
        ge=2,
        description="The minimum number of examples for a figure; with fewer it is not judged.",
    )
    max_examples: int = Field(
        10_000,
        ge=100,
        le=1_000_000,
        description="The maximum number of examples on each side; larger inputs are sampled, always "
        "the same one.",
    )
    request_hours: float = Field(
        168.0,
        gt=0,
        description="The maximum age of logged requests that are compared, in hours.",
    )
