"""What a user can say about the data: where reviews come from and how they are split."""

from typing import Annotated, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

FILES_PREFIX = "files:"
Column = Annotated[str, StringConstraints(min_length=1)]


class DataSettings(BaseModel):
    """Where the labelled reviews come from and into which splits they fall."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(
        "packaged",
        description="Where reviews come from: `packaged` (25,000 IMDB reviews of the locked package), `tfds` "
        "(imdb_reviews/plain_text through TensorFlow Datasets) or `files:PATTERN` (your CSV, JSONL or "
        "TFRecord files).",
    )
    tfds_data_dir: str | None = Field(
        None,
        description="Folder in which TensorFlow Datasets keeps prepared data; unset means its own default "
        "folder. Used by the `tfds` source only.",
        min_length=1,
    )
    text_column: Column = Field(
        "text", description="Name of the column (or feature) that holds the review text in `files:`."
    )
    label_column: Column = Field(
        "label",
        description="Name of the column (or feature) that holds the label in `files:`: 0/1, neg/pos, "
        "negative/positive or false/true.",
    )
    max_bad_share: float = Field(
        0.01,
        description="Largest share of unreadable rows that is tolerated; above it the run stops and names "
        "the first ones.",
        ge=0.0,
        le=1.0,
    )
    limit: int | None = Field(
        None,
        description="Take only this many reviews in all, the same ones whatever the order of the input; "
        "for quick runs. Unset takes every review.",
        ge=1,
    )
    train_weight: int = Field(
        15_000, description="Share of the `train` split, relative to the other weights.", ge=1, le=10**9
    )
    eval_weight: int = Field(
        5_000,
        description="Share of the `eval` split (early stopping looks at it), relative to the other weights.",
        ge=1,
        le=10**9,
    )
    test_weight: int = Field(
        5_000,
        description="Share of the `test` split (the gate looks at it), relative to the other weights; 0 "
        "means no `test` split. The `tfds` source ignores it unless it is 0: its official test split is "
        "the `test` split.",
        ge=0,
        le=10**9,
    )
    split_salt: str = Field(
        "6767",
        description="Mixed into the hash that assigns reviews to splits; another salt gives another split. "
        "The default makes the packaged data fall into exactly 15,000 / 5,000 / 5,000 reviews.",
    )

    @property
    def kind(self) -> Literal["packaged", "tfds", "files"]:
        """Which of the sources `source` names."""
        name = "files" if self.source.startswith(FILES_PREFIX) else self.source
        return cast(Literal["packaged", "tfds", "files"], name)

    @property
    def pattern(self) -> str:
        """The glob pattern of a `files:` source, empty for the others."""
        return self.source.removeprefix(FILES_PREFIX) if self.kind == "files" else ""

    @property
    def split_names(self) -> tuple[str, ...]:
        """The splits that the examples will have, in order."""
        return ("train", "eval", "test") if self.test_weight else ("train", "eval")

    @field_validator("source")
    @classmethod
    def _known_source(cls, source: str) -> str:
        if source in ("packaged", "tfds") or source.removeprefix(FILES_PREFIX).strip() not in ("", source):
            return source
        raise ValueError("expected packaged, tfds or files:PATTERN, for example files:reviews/*.csv")

    @model_validator(mode="after")
    def _two_columns(self) -> "DataSettings":
        if self.text_column == self.label_column:
            raise ValueError(f"text_column and label_column are both {self.text_column!r}; name two columns")
        return self
