"""The predictions of the models for each example of a split, as arrays and as a Parquet file."""

import dataclasses
import io
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyarrow import parquet

FILE_NAME = "predictions.parquet"


@dataclass(frozen=True, kw_only=True, eq=False)
class Predictions:
    """N examples in the order of the files they were read from.

    Attributes:
      text: object [N], the reviews as str.
      label: int8 [N], 1 is positive.
      length: object [N], the length bucket as str.
      span: int64 [N], the span of each; None if they have no spans.
      text_id: uint64 [N], equal for reviews with the same text (`training_reviews.hashes`); None if all texts
        are distinct.
      seen, baseline_seen: bool [N], whether the candidate and the baseline have seen the review in training;
        None if neither has seen any.
      probability: float32 [N], the candidate's.
      baseline_probability: float32 [N], the baseline's; None if there is none, or it does not work.
    """

    text: np.ndarray
    label: np.ndarray
    length: np.ndarray
    probability: np.ndarray
    baseline_probability: np.ndarray | None = None
    span: np.ndarray | None = None
    text_id: np.ndarray | None = None
    seen: np.ndarray | None = None
    baseline_seen: np.ndarray | None = None

    def __post_init__(self) -> None:
        sizes = {len(column) for column in vars(self).values() if column is not None}
        if len(sizes) > 1:
            raise ValueError(f"columns of different lengths: {sorted(sizes)}")

    def __len__(self) -> int:
        return len(self.label)

    def where(self, chosen: np.ndarray) -> "Predictions":
        """The examples at which `chosen`, bool [N], is true."""
        columns = {name: column for name, column in vars(self).items() if column is not None}
        return Predictions(**{name: column[chosen] for name, column in columns.items()})

    @property
    def distinct_texts(self) -> int:
        return len(self) if self.text_id is None else len(np.unique(self.text_id))

    def to_bytes(self) -> bytes:
        """A Parquet file with one column per array that is not None."""
        columns = {name: column for name, column in vars(self).items() if column is not None}
        buffer = io.BytesIO()
        parquet.write_table(pa.table(columns), buffer)
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
        return cls(**{name: table[name].to_numpy() for name in known})


def not_probabilities(values: np.ndarray) -> str | None:
    """A message if values of float [N] are not between 0 and 1; None if all are."""
    wrong = np.count_nonzero(~((values >= 0) & (values <= 1)))
    return f"{wrong:,} of {len(values):,} probabilities are not numbers from 0 to 1" if wrong else None
