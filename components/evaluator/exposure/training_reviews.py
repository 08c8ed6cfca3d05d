"""The record of the examples that a model was trained on and selected with.

An example is identified by the first 64 bits of a hash of its canonical text, without a salt, so that records
of runs with different salts can be compared. With 20,000 recorded and 5,000 new examples, the probability of
a false match is 5,000 * 20,000 / 2**64 = 5e-12.
"""

import dataclasses
import functools
import io
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import tensorflow as tf
from pyarrow import parquet
from tfx.types import Artifact, artifact_utils

from components.evaluator.split_files import read_split, split_files
from components.example_gen import splits
from components.reviews import TEXT, canonical

TRAIN, EVAL, EARLIER, EARLIER_EVAL = "train", "eval", "earlier", "earlier eval"
"""How a model used an example: it was fitted on it, was selected with it (early stopping, calibration), or
started from the weights of a model that was fitted on it or selected with it. A refit model (`trainer.refit`)
was fitted on the examples of eval as well.
"""

_FORM = b"normal_form"
_UNREADABLE = (pa.ArrowException, KeyError, ValueError)


class UnusableRecord(Exception):
    """A record cannot be compared with examples; the message is a clause."""


def hashes(texts: Iterable[str]) -> np.ndarray:
    """uint64 [N]: a hash of each text, equal for texts that count as one example."""
    found = [splits.digest(canonical(text), salt="")[:8] for text in texts]
    return np.frombuffer(b"".join(found), ">u8").astype(np.uint64)


@functools.cache
def normal_form() -> str:
    """An identifier of the normalization by `canonical`; it changes with the behavior."""
    probe = (
        "\ufeff Caf\u0065\u0301 &amp; &lt;b&gt; THE<br /><p>\u201cEnd\u201d\u200b, "
        "it\u2019s \ufb01ne \u2014 1/10 . "
    )
    return splits.digest(canonical(probe), salt="normal form").hex()


@dataclasses.dataclass(frozen=True, eq=False)
class TrainingReviews:
    """The hashes (sorted uint64 [N]) of the examples that a model has seen, by use."""

    by_use: Mapping[str, np.ndarray]

    @classmethod
    def of_examples(cls, examples: Sequence[Artifact], uses: Sequence[str]) -> "TrainingReviews":
        """The record of a model that was trained on the splits `uses` of the examples, if they exist.

        Raises:
          GreenlightError: a split has no files.
        """
        there = {name for each in examples for name in artifact_utils.decode_split_names(each.split_names)}
        return cls({use: _hashes_of(examples, use) for use in uses if use in there})

    def refit(self) -> "TrainingReviews":
        """The record of a model that was fitted once more, on its eval examples as well."""
        others = {use: known for use, known in self.by_use.items() if use not in (TRAIN, EVAL)}
        return TrainingReviews({TRAIN: self._all(TRAIN, EVAL), **others})

    def including(self, earlier: "TrainingReviews") -> "TrainingReviews":
        """The record of a model that started from the weights of one that has seen `earlier`."""
        theirs = {
            EARLIER: earlier._all(TRAIN, EARLIER),
            EARLIER_EVAL: earlier._all(EVAL, EARLIER_EVAL),
        }
        return TrainingReviews({**self.by_use, **theirs})

    def without(self, split: str) -> "TrainingReviews":
        """The record without the examples of this use, including those of earlier models."""
        left_out = {EVAL: (EVAL, EARLIER_EVAL), TRAIN: (TRAIN, EARLIER)}.get(split, ())
        return TrainingReviews({name: known for name, known in self.by_use.items() if name not in left_out})

    def _all(self, *uses: str) -> np.ndarray:
        found = [self.by_use[use] for use in uses if use in self.by_use]
        return np.unique(np.concatenate([np.zeros(0, np.uint64), *found]))

    def seen(self, digests: np.ndarray) -> np.ndarray:
        """bool [N]: whether the model has seen each example, given by its hash."""
        found = np.zeros(len(digests), bool)
        for known in self.by_use.values():
            found |= np.isin(digests, known)
        return found

    def to_bytes(self) -> bytes:
        """A Parquet file with the columns `digest` (uint64, sorted) and `use`."""
        digest = np.concatenate([np.zeros(0, np.uint64), *self.by_use.values()])
        use = np.repeat([*self.by_use], [len(known) for known in self.by_use.values()]).astype(object)
        order = np.argsort(digest, kind="stable")
        table = pa.table(
            {"digest": digest[order], "use": pa.array(use[order], pa.string()).dictionary_encode()}
        ).replace_schema_metadata({_FORM: normal_form().encode()})
        buffer = io.BytesIO()
        parquet.write_table(table, buffer)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> "TrainingReviews":
        """Reads what `to_bytes` wrote.

        Raises:
          UnusableRecord: it is damaged, or of a Greenlight with another normalization.
        """
        try:
            # One thread: the pool of older pyarrow can abort a process that ends soon after.
            table = parquet.ParquetFile(io.BytesIO(content), pre_buffer=False).read(use_threads=False)
            form = (table.schema.metadata or {})[_FORM].decode()
            digest, use = table["digest"].to_numpy(), np.array(table["use"].to_pylist(), object)
        except _UNREADABLE as error:
            raise UnusableRecord(f"its record of training examples cannot be read ({error})") from error
        if form != normal_form():
            raise UnusableRecord(
                "its record of training examples was written by another version of Greenlight, which tells "
                "examples apart in another way"
            )
        return cls({str(name): digest[use == name] for name in sorted(set(use))})


def _hashes_of(examples: Sequence[Artifact], split: str) -> np.ndarray:
    found = [np.zeros(0, np.uint64)]
    for batch in read_split(split_files(list(examples), split)):
        parsed = tf.io.parse_example(batch, {TEXT: tf.io.FixedLenFeature([], tf.string)})
        found.append(hashes(text.decode("utf-8", "replace") for text in parsed[TEXT].numpy()))
    return np.unique(np.concatenate(found))
