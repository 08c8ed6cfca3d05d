"""Settings of the data check (`check.*`). Light imports only."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class CheckSettings(BaseModel):
    """Bounds the data must keep; beyond them the run stops before training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_train_examples: int = Field(
        100,
        description="The minimum number of examples in the `train` split; with fewer the run "
        "stops before training.",
        ge=1,
    )
    min_eval_examples: int = Field(
        10, description="The minimum number of examples in `eval` and `test`; with fewer the run stops.", ge=1
    )
    min_class_share: float = Field(
        0.05,
        description="The minimum share of each of two classes in each split; below it the run stops. With "
        "more classes it is divided by half their number, and each needs an example in every split.",
        ge=0.0,
        le=0.5,
    )
    min_median_words: int = Field(
        1,
        description="The minimum median length of texts, in words, in each split; below it the run stops.",
        ge=1,
    )
    min_known_words: float = Field(
        0.3,
        description="The minimum share of words in the vocabulary of an English embedding; below it, as with "
        "texts in another language, the run stops.",
        ge=0.0,
        le=1.0,
    )
    label_check: Literal["off", "report", "quarantine rows", "quarantine span"] = Field(
        "report",
        description="The handling of labels that a cross-validated model contradicts. `report` names them in "
        "`greenlight data add` and in the report; `quarantine rows` also lands a span without them, and "
        "`quarantine span` refuses the span, or stops the run, where there are more than max_suspect_share.",
    )
    max_suspect_share: float = Field(
        0.08,
        description="Share of suspected labels above which they are more than the few that are only hard to "
        "tell. Examples whose labels are all right have 2 to 5 % of them, with 10 % wrong labels it is 9 %. "
        "It holds only where the check learned from 350 different texts a label or more.",
        ge=0.0,
        le=1.0,
    )
