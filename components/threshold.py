"""The threshold of the positive class: a number, or chosen on eval for an aim; its record beside a model."""

import json
import os
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from components.errors import InputError

if TYPE_CHECKING:
    import numpy as np

DEFAULT = 0.5
FILE_NAME = "threshold.json"


class ThresholdAim(BaseModel):
    """An aim for which the threshold is chosen on the eval split; one of them."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    recall_at_precision: float | None = Field(
        None, gt=0, le=1, description="The greatest recall at this precision or a higher one."
    )
    precision_at_recall: float | None = Field(
        None, gt=0, le=1, description="The greatest precision at this recall or a higher one."
    )

    @model_validator(mode="after")
    def _one(self) -> "ThresholdAim":
        if len(self.model_dump(exclude_none=True)) != 1:
            raise ValueError("expected one aim: recall_at_precision or precision_at_recall")
        return self

    @property
    def kind(self) -> Literal["recall_at_precision", "precision_at_recall"]:
        return "precision_at_recall" if self.recall_at_precision is None else "recall_at_precision"

    @property
    def floor(self) -> float:
        """The least precision, or recall."""
        return float(getattr(self, self.kind))


def choose(aim: ThresholdAim, labels: "np.ndarray", probabilities: "np.ndarray") -> float:
    """The threshold with the best of what the aim wants, among those that keep its floor.

    It lies in the middle between two neighboring probabilities, so that rounding moves no example over it.

    Args:
      aim: the aim.
      labels: [N], 0 or 1.
      probabilities: float [N], of class 1.

    Raises:
      InputError: no threshold keeps the floor.
    """
    import numpy as np

    cuts, first = np.unique(-probabilities.astype(np.float64), return_index=False, return_counts=True)
    cuts = -cuts  # from the highest on: at each, all examples from this probability on are positive
    order = np.argsort(-probabilities, kind="stable")
    hits = np.cumsum(np.asarray(labels)[order] == 1)[np.cumsum(first) - 1]
    precision, recall = hits / np.cumsum(first), hits / max(int(hits[-1]), 1)
    kept, wanted = (precision, recall) if aim.kind == "recall_at_precision" else (recall, precision)
    possible = kept >= aim.floor
    if not possible.any() or not hits[-1]:
        raise _unreachable(aim, float(kept.max(initial=0.0)), len(labels))
    best = int(np.flatnonzero(possible)[np.argmax(wanted[possible])])
    below = cuts[best + 1] if best + 1 < len(cuts) else 0.0
    return float(np.float32((cuts[best] + below) / 2))


def _unreachable(aim: ThresholdAim, best: float, examples: int) -> InputError:
    what = aim.kind.rpartition("_")[2]
    return InputError(
        f"data.threshold: no threshold reaches the {what} {aim.floor:g} of {aim.kind} on the {examples:,} "
        f"examples of eval; the highest is {best:.4f}. Lower the aim, or name a number."
    )


def write(model_uri: str, threshold: float) -> None:
    """Writes the record into the folder of a Model artifact; none for the default."""
    if threshold == DEFAULT:
        return
    import tensorflow as tf

    with tf.io.gfile.GFile(os.path.join(model_uri, FILE_NAME), "w") as file:
        file.write(json.dumps({"threshold": threshold}) + "\n")


def read(model_uri: str) -> float:
    """The threshold of the Model artifact in that folder; the default without a record."""
    import tensorflow as tf

    path = os.path.join(model_uri, FILE_NAME)
    if not tf.io.gfile.exists(path):
        return DEFAULT
    with tf.io.gfile.GFile(path) as file:
        return float(json.loads(file.read())["threshold"])
