"""What a user can ask of the data before training starts."""

from pydantic import BaseModel, ConfigDict, Field


class CheckSettings(BaseModel):
    """Bounds the data must keep; beyond them the run stops before training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_train_examples: int = Field(
        100,
        description="Fewest reviews the `train` split may hold; fewer stop the run before training.",
        ge=1,
    )
    min_eval_examples: int = Field(
        10, description="Fewest reviews any other split (`eval`, `test`) may hold; fewer stop the run.", ge=1
    )
    min_class_share: float = Field(
        0.05,
        description="Smallest share that either class may have in any split; below it the run stops.",
        ge=0.0,
        le=0.5,
    )
    min_median_words: int = Field(
        1,
        description="Smallest median length, in words, of the reviews of any split; below it the run stops.",
        ge=1,
    )
