"""Settings of the data: source, columns, labels, splits (`data.*`). Light imports only."""

from collections.abc import Sequence
from typing import Annotated, Literal, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from components.errors import InputError
from components.example_gen.formats.dialect import Dialect, Quoting
from components.example_gen.formats.labels import (
    CLASS_NAMES,
    LEARNED,
    LEARNED_SETTING,
    LabelRule,
    require_one_class,
    spelling,
)
from components.example_gen.formats.rows import Columns
from components.example_gen.span_pattern import LARGEST, SpanPattern, has_specs
from components.reviews import OWN_FEATURES
from components.threshold import DEFAULT as DEFAULT_THRESHOLD
from components.threshold import ThresholdAim

KEEP_TOGETHER = "keep together"
"""The value of `near_duplicates` that gives near-duplicates one split."""
GROUPED_SOURCES = ("files", "spans")
"""Kinds of sources whose duplicates get one split; those of other kinds keep the splits that they have."""
FILES_PREFIX = "files:"
SPANS = "spans"
TEXT_STAGE, IMDB_STAGE = "TextExampleGen", "ImdbExampleGen"
STAGE_NAMES = (TEXT_STAGE, IMDB_STAGE)
"""The ids of the stage that reads the examples; runs of former versions have the second for all data."""
RESERVED_SLICES = (*OWN_FEATURES, "overall")
"""Names that a slice column cannot have: our own features, and the slice of all examples."""
OF_LATER_STAGES = frozenset({"threshold"})
"""Settings of data that do not change what is read: a change of one runs the first stage from the cache."""
Column = Annotated[str, StringConstraints(min_length=1)]
Label = Annotated[str, Field(coerce_numbers_to_str=True)]
"""A label or the name of a class; numbers may be written without quotes."""
SpanNumber = Annotated[int, Field(ge=1, le=LARGEST)]


class DataSettings(BaseModel):
    """The source of labeled examples and their splits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(
        "packaged",
        description="The source of examples. `packaged` (25,000 IMDB reviews of the locked package), `tfds` "
        "(imdb_reviews/plain_text through TensorFlow Datasets), `files:PATTERN` (your CSV, JSON, "
        "Parquet or TFRecord files; with {SPAN} in the pattern, those of numbered spans) or `spans` (what "
        "`greenlight data add` has landed in the workspace).",
    )
    window: int | None = Field(
        None,
        description="The number of newest spans to read; unset reads all. Only for sources with spans, "
        "like the next three settings.",
        ge=1,
    )
    span: SpanNumber | None = Field(
        None,
        description="The number of the newest span to read, to repeat an earlier run; unset reads up to "
        "the newest span.",
    )
    without_spans: tuple[SpanNumber, ...] = Field(
        (), description="The numbers of spans to leave out, for example because they are wrong: [12, 15]."
    )
    with_base: bool = Field(
        False,
        description="Add the 25,000 packaged reviews to the spans. Their splits do not change; copies "
        "of their texts in spans are left out.",
    )
    tfds_data_dir: str | None = Field(
        None,
        description="Folder in which TensorFlow Datasets keeps prepared data; unset means its own default "
        "folder. Used by the `tfds` source only.",
        min_length=1,
    )
    text_column: Column = Field(
        "text", description="Name of the column (or feature) that holds the text in `files:`."
    )
    label_column: Column = Field(
        "label",
        description="Name of the column (or feature) that holds the label in `files:`: 0/1, neg/pos, "
        "negative/positive or false/true, unless `labels` says otherwise.",
    )
    slice_columns: tuple[Column, ...] = Field(
        (),
        description="Further columns of `files:` and spans by whose values the gate and the report slice the "
        'metrics, such as ["lang", "store"]. The slices are `lang:de`, `lang:fr`, ... A missing value is "". '
        "At most 100 different values a column.",
    )
    classes: tuple[Label, ...] | Literal["auto"] | None = Field(
        None,
        description='The names of your classes, two or more: ["ham", "spam"] (of two, the positive one is '
        'the last) or ["business", "sports", "world"]. Rows may have these names as labels, and the model, '
        "the gate and the report use them. `auto` takes the labels that the files have, in order, and shows "
        "them before training. Unset means negative and positive.",
    )
    labels: dict[str, str] = Field(
        {},
        description='The class of each label, for files with other labels, such as stars: {"1" = '
        '"negative", "2" = "negative", "4" = "positive", "5" = "positive"}. Several labels may mean one '
        "class. Rows with other labels are left out and counted. Empty means the spellings of "
        "`label_column`.",
    )
    positive: tuple[Label, ...] | None = Field(
        None,
        description='Short for `labels`: the labels of the positive class of two, such as ["4", "5"]. Needs '
        "`negative`, too; rows with other labels are left out and counted.",
        min_length=1,
    )
    negative: tuple[Label, ...] | None = Field(
        None,
        description='The labels of the negative class, such as ["1", "2"]; see `positive`.',
        min_length=1,
    )
    threshold: Annotated[float, Field(gt=0, lt=1)] | ThresholdAim = Field(
        DEFAULT_THRESHOLD,
        description="The least probability of the positive class for its label; of two classes only. A "
        "number, or an aim for which it is chosen on the eval split: { recall_at_precision = 0.9 } is the "
        "threshold of the greatest recall at a precision of 0.9 or more, { precision_at_recall = 0.9 } the "
        "other way round.",
    )
    delimiter: str | None = Field(
        None,
        description="The delimiter of CSV and TSV files. Unset detects comma, semicolon, tab or "
        "vertical bar in the first line.",
    )
    quoting: Quoting = Field(
        "minimal",
        description="The meaning of quotes in CSV and TSV files. `minimal`: they enclose a field, which "
        "may contain delimiters and line breaks; `none`: they are ordinary characters, and every line is "
        "a row.",
    )
    escape: str | None = Field(
        None,
        description="The escape character of CSV and TSV files, such as a backslash; unset means that a "
        "quote in a quoted field is doubled.",
    )
    max_bad_share: float = Field(
        0.01,
        description="The maximum share of unusable rows, which are left out, listed and counted; above "
        "it the run stops. Rows that `labels` leaves out do not count.",
        ge=0.0,
        le=1.0,
    )
    near_duplicates: Literal["keep together", "count", "off"] = Field(
        "keep together",
        description="The handling of examples in `files:` and spans with nearly the same text. `keep "
        "together` puts them in one split, so that no example is tested whose near-duplicate was trained "
        "on; `count` only counts them; `off` saves the time. Copies that differ in markup, quotes or "
        "final punctuation are always kept together.",
    )
    limit: int | None = Field(
        None,
        description="Use only this many examples, independent of their order in the input; for quick "
        "runs. Unset uses all.",
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
        description="The salt of the hash that assigns examples to splits; another salt gives other "
        "splits. With the default, the packaged data has exactly 15,000 / 5,000 / 5,000 examples.",
    )

    @property
    def kind(self) -> Literal["packaged", "tfds", "files", "spans"]:
        """The kind of `source`."""
        name = "files" if self.source.startswith(FILES_PREFIX) else self.source
        return cast(Literal["packaged", "tfds", "files", "spans"], name)

    @property
    def has_imdb(self) -> bool:
        """Whether IMDB reviews are among the data."""
        return self.with_base or self.kind in ("packaged", "tfds")

    @property
    def is_film_reviews(self) -> bool:
        """Whether the data are English film reviews, negative or positive: IMDB's, alone or as the base."""
        return self.has_imdb and self.classes is None

    @property
    def stage_name(self) -> str:
        """The id of the stage that reads this data."""
        return IMDB_STAGE if self.has_imdb else TEXT_STAGE

    @property
    def has_spans(self) -> bool:
        """Whether the source has spans."""
        return self.kind == SPANS or has_specs(self.pattern)

    @property
    def pattern(self) -> str:
        """The glob pattern of a `files:` source; empty for others."""
        return self.source.removeprefix(FILES_PREFIX) if self.kind == "files" else ""

    @property
    def split_names(self) -> tuple[str, ...]:
        """The names of the splits, in order."""
        return ("train", "eval", "test") if self.test_weight else ("train", "eval")

    @property
    def judged_split(self) -> str:
        """The split that the gate judges on: test, or eval if there is no test split."""
        return self.split_names[-1]

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes; of two, the positive one is the last.

        Raises:
          InputError: they are to be learned from the files, and nothing has; see
            `sources.label_census.learned_classes`.
        """
        if self.classes is None:
            return CLASS_NAMES
        if self.classes == LEARNED:
            raise InputError(
                f"{LEARNED_SETTING} learns the names from the files of a run. Name the classes here: "
                'data.classes = ["...", "..."], in the order of the model in production.'
            )
        return tuple(self.classes)

    @property
    def learns_classes(self) -> bool:
        """Whether the names of the classes have yet to be learned from the files."""
        return self.classes == LEARNED

    def with_classes(self, names: Sequence[str]) -> "DataSettings":
        """The settings with these names, such as learned ones, in `classes`.

        Raises:
          InputError: another setting does not go with them.
        """
        named = self.model_copy(update={"classes": tuple(names)})
        try:
            DataSettings.model_validate(named.model_dump())
        except ValidationError as error:
            reasons = "; ".join(problem["msg"].removeprefix("Value error, ") for problem in error.errors())
            what = f"The {len(names)} classes do not go with the settings of data"
            raise InputError(f"{what}: {reasons}.") from None
        return named

    @property
    def mapping(self) -> dict[str, str]:
        """The class of each label that the settings map: `labels`, or `negative` and `positive`."""
        if not (self.negative and self.positive):
            return self.labels
        negative, positive = self.class_names
        return dict.fromkeys(self.negative, negative) | dict.fromkeys(self.positive, positive)

    @property
    def columns(self) -> Columns:
        """The columns that a row of labeled examples needs."""
        rule = LabelRule(tuple(self.mapping.items()), self.class_names)
        return Columns(self.text_column, self.label_column, labels=rule, slices=self.slice_columns)

    @property
    def label_columns(self) -> Columns:
        """The columns of labeled examples whose labels are taken as they are."""
        return Columns(self.text_column, self.label_column)

    @property
    def dialect(self) -> Dialect:
        """The dialect of CSV and TSV files."""
        return Dialect(self.delimiter, self.quoting, self.escape)

    @field_validator("delimiter", "escape")
    @classmethod
    def _one_character(cls, value: str | None) -> str | None:
        if value in ("\\t", "tab"):
            return "\t"
        if value is not None and (len(value) != 1 or value in '\r\n"'):
            raise ValueError("expected a single character that is neither a quote nor the end of a line")
        return value

    @field_validator("slice_columns")
    @classmethod
    def _own_names(cls, columns: tuple[str, ...]) -> tuple[str, ...]:
        for name in columns:
            if name in RESERVED_SLICES:
                raise ValueError(
                    f"the name {name!r} is taken by Greenlight; rename the column in the files. Taken are "
                    f"{', '.join(RESERVED_SLICES)}"
                )
            if name != name.strip() or not name.isprintable() or ":" in name or "," in name:
                raise ValueError(
                    f"{name!r}: expected a name of printable characters, without colons and commas, and "
                    "without spaces around it"
                )
            if columns.count(name) > 1:
                raise ValueError(f"duplicate column {name!r}")
        return columns

    @field_validator("classes")
    @classmethod
    def _different_names(
        cls, classes: tuple[str, ...] | Literal["auto"] | None
    ) -> tuple[str, ...] | Literal["auto"] | None:
        if classes is None or classes == LEARNED:
            return classes
        if len(classes) < 2:
            raise ValueError(f"expected two names or more, not {len(classes)}")
        if any(name != name.strip() or not name.isprintable() or not name for name in classes):
            raise ValueError("expected names of printable characters, without spaces around them")
        known: dict[str | None, int] = {}
        for number, name in enumerate(classes):
            if (first := known.setdefault(spelling(name), number)) != number:
                other = classes[first]
                raise ValueError(f"{other!r} and {name!r} are the same label; expected different names")
        return classes

    @field_validator("labels")
    @classmethod
    def _all_classes(cls, labels: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        names = info.data.get("classes") or CLASS_NAMES
        if labels and names == LEARNED:
            raise ValueError(f"names the classes, which {LEARNED_SETTING} learns; name them in data.classes")
        if labels and set(labels.values()) != set(names):
            each = " and ".join(f"one that is {name}" for name in names)
            raise ValueError(f"expected at least {each.replace('one', 'one label', 1)}, and no other class")
        require_one_class(labels)
        return labels

    @field_validator("source")
    @classmethod
    def _known_source(cls, source: str) -> str:
        pattern = source.removeprefix(FILES_PREFIX).strip()
        if source not in ("packaged", "tfds", SPANS) and pattern in ("", source):
            raise ValueError(
                "expected packaged, tfds, spans or files:PATTERN, for example files:data/*.csv or "
                "files:data/span-{SPAN}/*.csv"
            )
        if has_specs(pattern):
            SpanPattern(pattern)
        return source

    @model_validator(mode="after")
    def _only_of_spans(self) -> "DataSettings":
        told = [name for name in ("window", "span", "without_spans", "with_base") if getattr(self, name)]
        if told and not self.has_spans:
            raise ValueError(
                f"{' and '.join(told)} can be set for a source with spans only; {self.source!r} has none; "
                "expected source spans, or files:PATTERN with {SPAN} in it"
            )
        return self

    @model_validator(mode="after")
    def _both_lists(self) -> "DataSettings":
        lists = [name for name in ("negative", "positive") if getattr(self, name)]
        if not lists:
            return self
        if len(lists) == 1:
            raise ValueError(f"{lists[0]} alone is set; name the labels of both classes")
        if self.labels:
            raise ValueError("labels says the same as negative and positive; give one of them")
        if self.learns_classes or len(self.class_names) != 2:
            raise ValueError("negative and positive are of two classes; use labels for more")
        negative = set(map(spelling, self.negative or ()))
        if both := [label for label in self.positive or () if spelling(label) in negative]:
            raise ValueError(f"the label {both[0]!r} is both negative and positive; give it one class")
        return self

    @model_validator(mode="after")
    def _threshold_of_two(self) -> "DataSettings":
        if self.threshold != DEFAULT_THRESHOLD and not self.learns_classes and len(self.class_names) != 2:
            raise ValueError("threshold is of two classes; of more, the label is the most probable one")
        return self

    @model_validator(mode="after")
    def _different_columns(self) -> "DataSettings":
        if self.text_column == self.label_column:
            raise ValueError(f"text_column and label_column are both {self.text_column!r}; name two columns")
        for name in (self.text_column, self.label_column):
            if name in self.slice_columns:
                raise ValueError(f"slice_columns names the column {name!r} of the text or the label")
        return self
