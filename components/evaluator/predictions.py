"""The predictions of the models for each example of a split, as arrays and as a Parquet file."""

import dataclasses
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from components.threshold import DEFAULT

FILE_NAME = "predictions.parquet"


_SLICE = "slice."
"""The beginning of the names of the Parquet columns with slices."""
_SUM = 1e-3
"""The tolerance for the sum of an example's probabilities: float32 rounding."""


_THRESHOLDS = ("threshold", "baseline_threshold")
"""The fields that are metadata of the Parquet file."""
_OF_PROBABILITIES = frozenset({"auc", "loss", "calibration", "ece"})
"""The metrics that do not depend on the threshold."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Predictions:
    """N examples in the order of the files they were read from.

    Attributes:
      text: object [N], the examples as str.
      label: int8 or int16 [N], the index of the class; of two classes 1 is positive.
      length: object [N], the length bucket as str.
      span: int64 [N], the span of each; None if they have no spans.
      text_id: uint64 [N], equal for examples with the same text (`training_reviews.hashes`); None if all
        texts are distinct.
      seen, baseline_seen: bool [N], whether the candidate and the baseline have seen the example in training;
        None if neither has seen any.
      probability: float32 [N], the candidate's: of the positive class, or of the predicted one of more.
      baseline_probability: float32 [N], the baseline's; None if there is none, or it does not work.
      probabilities: float32 [N, K], the candidate's of more than two classes; None of two.
      baseline_probabilities: float32 [N, K], the baseline's of the same classes, 0 for one it does not know.
      slices: by column of the metadata, object [N], the value as str; None without metadata.
      threshold, baseline_threshold: the probability from which on each model labels an example positive, of
        two classes; None for the usual 0.5.
    """

    text: np.ndarray
    label: np.ndarray
    length: np.ndarray
    probability: np.ndarray
    baseline_probability: np.ndarray | None = None
    probabilities: np.ndarray | None = None
    baseline_probabilities: np.ndarray | None = None
    span: np.ndarray | None = None
    text_id: np.ndarray | None = None
    seen: np.ndarray | None = None
    baseline_seen: np.ndarray | None = None
    slices: Mapping[str, np.ndarray] | None = None
    threshold: float | None = None
    baseline_threshold: float | None = None

    def __post_init__(self) -> None:
        sizes = {len(column) for column in (*self._columns().values(), *(self.slices or {}).values())}
        if len(sizes) > 1:
            raise ValueError(f"columns of different lengths: {sorted(sizes)}")

    def __len__(self) -> int:
        return len(self.label)

    @property
    def scores(self) -> np.ndarray:
        """The candidate's probabilities: float32 [N] of two classes, [N, K] of more."""
        return self.probability if self.probabilities is None else self.probabilities

    @property
    def baseline_scores(self) -> np.ndarray | None:
        """The baseline's, like `scores`."""
        return self.baseline_probability if self.probabilities is None else self.baseline_probabilities

    def scores_for(self, metric: str) -> np.ndarray:
        """`scores` as the functions of `judgment.metrics` take them for this metric, which cut at 0.5.

        For a metric of the label they are moved by as much as the threshold is, float64 [N].
        """
        return at_one_half(metric, self.scores, self.threshold)

    def baseline_scores_for(self, metric: str) -> np.ndarray | None:
        """The same of the baseline; None if there is none."""
        theirs = self.baseline_scores
        return None if theirs is None else at_one_half(metric, theirs, self.baseline_threshold)

    def where(self, chosen: np.ndarray) -> "Predictions":
        """The examples at which `chosen`, bool [N], is true."""
        columns = {name: column[chosen] for name, column in self._columns().items()}
        slices = self.slices and {name: column[chosen] for name, column in self.slices.items()}
        return dataclasses.replace(self, **columns, slices=slices)

    def without_baseline(self) -> "Predictions":
        """The same examples without what the baseline predicts."""
        return dataclasses.replace(self, baseline_probability=None, baseline_probabilities=None)

    def _columns(self) -> dict[str, np.ndarray]:
        """The arrays that are there, without the slices."""
        return {name: column for name, column in vars(self).items() if isinstance(column, np.ndarray)}

    @property
    def distinct_texts(self) -> int:
        return len(self) if self.text_id is None else len(np.unique(self.text_id))

    def to_bytes(self) -> bytes:
        """A Parquet file with one column per array that is not None; slices as `slice.NAME`."""
        columns: dict[str, Any] = {
            name: column if column.ndim == 1 else _list_column(column)
            for name, column in self._columns().items()
        }
        columns |= {f"{_SLICE}{name}": column for name, column in (self.slices or {}).items()}
        buffer = io.BytesIO()
        table = pa.table(columns)
        if thresholds := {name: repr(value) for name in _THRESHOLDS if (value := getattr(self, name))}:
            table = table.replace_schema_metadata(thresholds)
        parquet.write_table(table, buffer)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Predictions":
        """The inverse of `to_bytes`; columns of a newer release are ignored.

        Raises:
          pyarrow.ArrowInvalid: `content` is not a Parquet file.
        """
        # One thread: the pool of older pyarrow can abort a process that ends soon after.
        table = parquet.ParquetFile(io.BytesIO(content), pre_buffer=False).read(use_threads=False)
        known = [field.name for field in dataclasses.fields(cls) if field.name in table.column_names]
        slices = {
            name.removeprefix(_SLICE): table[name].to_numpy()
            for name in table.column_names
            if name.startswith(_SLICE)
        }
        metadata = table.schema.metadata or {}
        thresholds: dict[str, Any] = {
            name: float(metadata[name.encode()]) for name in _THRESHOLDS if name.encode() in metadata
        }
        columns: dict[str, Any] = {name: _array(table[name]) for name in known}
        return cls(**columns, slices=slices or None, **thresholds)


def at_one_half(metric: str, scores: np.ndarray, threshold: float | None) -> np.ndarray:
    """The scores for a metric: moved so that the threshold is at 0.5 if the metric depends on it."""
    if scores.ndim > 1 or threshold in (None, DEFAULT) or metric in _OF_PROBABILITIES:
        return scores
    # The model compares in float32; the difference of two float32 is exact in float64.
    return scores.astype(np.float64) - float(np.float32(threshold)) + 0.5


def _list_column(values: np.ndarray) -> pa.Array:
    """A column of fixed-size lists from [N, K]."""
    return pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), values.shape[1])


def _array(column: pa.ChunkedArray) -> np.ndarray:
    """[N], or [N, K] of a column of fixed-size lists."""
    if not pa.types.is_fixed_size_list(column.type):
        return column.to_numpy()
    flat = np.concatenate([chunk.flatten().to_numpy() for chunk in column.chunks])
    return flat.reshape(len(column), column.type.list_size)


def not_probabilities(values: np.ndarray) -> str | None:
    """A message if values of float [N] are not between 0 and 1, or of float [N, K] do not have the sum 1 as
    well; None if all are.
    """
    right = (values >= 0) & (values <= 1)
    if values.ndim == 1:
        wrong = np.count_nonzero(~right)
        return f"{wrong:,} of {len(values):,} probabilities are not numbers from 0 to 1" if wrong else None
    wrong = np.count_nonzero(~(right.all(axis=1) & (np.abs(values.sum(axis=1) - 1) <= _SUM)))
    told = f"the probabilities of {wrong:,} of {len(values):,} examples"
    return f"{told} are not numbers from 0 to 1 with the sum 1" if wrong else None
