"""Settings of the data check (`check.*`). Light imports only."""

from typing import Literal

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
    min_known_words: float = Field(
        0.3,
        description="Smallest share of the words that an English embedding has to know; below it, as with "
        "reviews in another language, the run stops.",
        ge=0.0,
        le=1.0,
    )
    label_check: Literal["off", "report", "quarantine rows", "quarantine span"] = Field(
        "report",
        description="What becomes of labels that a cross-validated model contradicts: `report` names them in "
        "`greenlight data add` and in the report; `quarantine rows` also lands a span without them, and "
        "`quarantine span` refuses the span, or stops the run, where there are more than max_suspect_share.",
    )
    max_suspect_share: float = Field(
        0.08,
        description="Share of suspected labels above which they are more than the few that are only hard to "
        "tell: reviews whose labels are all right have 2 to 5 % of them, with 10 % wrong labels it is 9 %.",
        ge=0.0,
        le=1.0,
    )
