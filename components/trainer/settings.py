"""Settings of the Trainer (`trainer.*`). Light imports only."""

import math
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field, model_validator

FORMER_NAMES = {"memory_examples": "memory_reviews", "scale_with_examples": "scale_with_reviews"}
"""Names of settings, and their former ones, which are still read."""


def _or_former(name: str) -> AliasChoices:
    return AliasChoices(name, FORMER_NAMES[name])


def _file_and_function(name: str) -> str:
    file, _, function = name.rpartition(":")
    if not file.endswith(".py") or not function.isidentifier():
        raise ValueError("expected FILE.py:FUNCTION, such as my_model.py:build")
    return name


class TrainerSettings(BaseModel):
    """The classifier on top of the embedding, its optimizer, and when the fit stops."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    module: Annotated[str, AfterValidator(_file_and_function)] | None = Field(
        None,
        description="FILE.py:FUNCTION, relative to the current folder: a model of your own. The function "
        "returns a Keras model of text; one with the name run_fn trains and exports by itself, as TFX has "
        "it. Unset means the built-in model.",
    )
    epochs: int = Field(
        40, ge=1, le=100_000, description="The maximum number of passes over the training examples."
    )
    batch_size: int = Field(512, ge=1, le=1_000_000, description="Examples in one optimizer step.")
    learning_rate: float = Field(3e-3, gt=0, le=10, description="Adam's learning rate.")
    seed: int = Field(
        1,
        ge=0,
        lt=2**31,
        description="The seed of the initial weights, the order of the examples and dropout. The same "
        "seed, settings and examples give the same model on the same kind of machine.",
    )
    early_stopping: bool = Field(
        True, description="Whether the fit ends when `monitor` has not improved for `patience` epochs."
    )
    monitor: Literal["val_loss", "val_accuracy", "loss", "accuracy"] = Field(
        "val_loss", description="The metric of early stopping; val_* is measured on the eval split."
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
    hidden_units: tuple[Annotated[int, Field(ge=1, le=65_536)], ...] = Field(
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
    tokens: Literal["auto", "words", "characters"] = Field(
        "auto",
        description="What a text is split into. `words` are separated by spaces and punctuation; with "
        "`characters`, each character of a script without spaces between words (Chinese, Japanese, Thai, "
        "Lao, Khmer, Burmese) is a token of its own, and words of other scripts stay whole. `auto` takes "
        "characters if a tenth of the letters of the first 2,000 training texts are of these scripts.",
    )
    ngram_order: int = Field(
        3,
        ge=0,
        le=5,
        description="The maximum length of the word n-grams that the model scores beside the embedding; "
        "0 uses the embedding alone.",
    )
    ngram_min_count: int = Field(
        3, ge=1, description="The minimum number of occurrences of an n-gram in the training examples."
    )
    ngram_limit: int = Field(
        400_000,
        ge=1,
        le=50_000_000,
        description="The maximum number of n-grams; the most frequent are kept. Each takes 24 bytes.",
    )
    ngram_negation: Literal["auto", True, False] = Field(
        "auto",
        description="Whether a word up to four words after an English negation (not, n't, never, lacks), "
        "before punctuation, is another word to the n-grams than elsewhere. `auto`: with two classes, if at "
        "least one in a hundred words of the first 2,000 training texts is `the`.",
    )
    ngram_ending: Annotated[int, Field(ge=0, le=10_000)] | Literal["auto"] = Field(
        "auto",
        description="The number of last words of a text whose n-grams count twice, at most a quarter of the "
        "text: many texts end with their conclusion. 0 counts all alike. `auto`: 15 with two classes and "
        "texts as those of `auto` of trainer.ngram_negation, otherwise 0.",
    )
    label_smoothing: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="How far the fit's targets are moved from 0 and 1 towards one half, so that it does not "
        "grow overconfident. The losses of the history include it.",
    )
    calibrate: bool = Field(
        True,
        description="Whether the probabilities are adjusted to the eval split after the fit, so that of "
        "examples scored 0.8 eight in ten are positive.",
    )
    refit: Literal["auto", True, False] = Field(
        "auto",
        description="Whether the model is fitted once more, on the train and eval splits together, for the "
        "number of epochs that the first fit kept. The first fit's predictions on eval calibrate it. `auto`: "
        "if the gate judges on a test split, the fit starts from scratch, and all examples fit in "
        "`memory_examples`.",
    )
    warm_start: Literal["off", "live", "auto"] = Field(
        "off",
        description="The weights that a fit starts from. `off` trains from scratch; `live` starts from the "
        "weights of the live model, as far as they fit; `auto` does both and keeps the fit with the lower "
        "log loss on the eval split.",
    )
    strategy: Literal["none", "mirrored", "multi_worker"] = Field(
        "none",
        description="The distribution of the fit: `mirrored` over the GPUs of this machine, `multi_worker` "
        "over several processes. A step uses batch_size examples in all.",
    )
    workers: int = Field(
        0,
        ge=0,
        le=1024,
        description="Processes on this machine that `multi_worker` starts; 0 takes part in the cluster "
        "of TF_CONFIG in the environment.",
    )
    scale_with_examples: bool = Field(
        True,
        validation_alias=_or_former("scale_with_examples"),
        description="Whether few training examples lower `batch_size` and `ngram_min_count` of the built-in "
        "model. A step takes at most a 25th of the examples (at least 8), and an n-gram needs one occurrence "
        "among up to 2,500 examples, two among up to 7,500. Up to 1,000 examples, epochs and "
        "calibration of the refit come from several held-out parts.",
    )
    memory_examples: int = Field(
        50_000,
        validation_alias=_or_former("memory_examples"),
        ge=0,
        le=1_000_000_000,
        description="The maximum number of encoded examples in memory; more are read from disk in every "
        "epoch, which is slower. 50,000 examples take about two gigabytes.",
    )

    @model_validator(mode="after")
    def _module_alone(self) -> "TrainerSettings":
        """Refuses what would be ignored for a model of the user's own."""
        if self.module is None:
            return self
        if self.strategy != "none":
            raise ValueError(
                f"trainer.strategy = {self.strategy!r} distributes the built-in model only; unset it. A "
                "run_fn of trainer.module chooses its own strategy"
            )
        own = self.module.endswith(":run_fn")
        if self.warm_start == "auto" or (self.warm_start == "live" and not own):
            raise ValueError(
                f"trainer.warm_start = {self.warm_start!r} takes over the weights of the built-in model "
                "only; unset it. With 'live', a run_fn of trainer.module gets the live model's folder"
            )
        return self

    @model_validator(mode="after")
    def _refit_from_scratch(self) -> "TrainerSettings":
        """Refuses a refit beside a warm start, whose live model may have been fitted on the eval examples,
        and of a model of the user's own.
        """
        if self.refit is True and self.warm_start != "off":
            raise ValueError(
                f"trainer.refit = true does not go with trainer.warm_start = {self.warm_start!r}: on "
                "examples that the live model was refit on, neither early stopping nor calibration of its "
                "successor would be fair. Unset one of them"
            )
        if self.refit is True and self.module is not None:
            raise ValueError(
                "trainer.refit = true refits the built-in model only; unset it. The code of trainer.module "
                "chooses its own training examples"
            )
        return self

    def why_not_refit(self, *, judged_split: str, streamed: bool) -> str | None:
        """Why the model is not refit on train and eval, a clause; None if it is.

        Args:
          judged_split: the split that the gate judges the model on.
          streamed: whether there are more examples than `memory_examples`.
        """
        if self.refit is False:
            return "trainer.refit is false"
        if judged_split == "eval":
            return "the gate judges on eval, which has to stay unseen"
        if self.refit is True:
            return None
        if self.warm_start != "off":
            return "the live model that the fit starts from may have been fitted on eval (trainer.warm_start)"
        if streamed:
            return "the examples are streamed, which makes a second fit long, and a larger share adds little"
        return None

    def scaled(self, *, examples: int) -> Self:
        """The settings for a fit to `examples` training examples; see `scale_with_examples`.

        The default values suit 15,000 examples. With a few hundred, an epoch would be a single step, so that
        the fit would end long before it converged, and most n-grams would be missing.
        """
        if not self.scale_with_examples:
            return self
        return self.model_copy(
            update={
                "batch_size": min(self.batch_size, max(_SMALLEST_BATCH, examples // _LEAST_STEPS)),
                "ngram_min_count": min(self.ngram_min_count, _most_occurrences(examples)),
            }
        )


_LEAST_STEPS, _SMALLEST_BATCH = 25, 8
"""An epoch has at least so many optimizer steps (15,000 examples in batches of 512 make 30), unless that took
smaller batches.
"""

_ONE_OCCURRENCE, _TWO_OCCURRENCES = 2_500, 7_500
"""Up to so many examples, one occurrence of an n-gram is enough, or two."""


def _most_occurrences(examples: int) -> float:
    """The highest `ngram_min_count` for so many examples."""
    if examples <= _ONE_OCCURRENCE:
        return 1
    return 2 if examples <= _TWO_OCCURRENCES else math.inf
