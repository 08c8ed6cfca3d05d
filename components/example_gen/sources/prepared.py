"""The `tfds` source: imdb_reviews/plain_text as TensorFlow Datasets prepares it.

TensorFlow Datasets is imported only when it is used.
"""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from components.errors import InputError
from components.example_gen.formats.rows import Review
from components.example_gen.span_pattern import BASE

if TYPE_CHECKING:
    import tensorflow_datasets as tfds

DATASET = "imdb_reviews/plain_text"
_SECONDS_TO_ANSWER = 10
_READ_AT_ONCE = 512


@dataclass(frozen=True)
class TfdsPart:
    """One official split, read by one worker."""

    data_dir: str | None
    official: str
    """`train` or `test`."""
    split: str | None
    """The split of its examples; None assigns them by their text."""
    unlike: str | None = None
    """An official split whose texts are excluded."""
    span: int = BASE

    @property
    def name(self) -> str:
        return f"{DATASET}:{self.official}"

    def rows(self) -> Iterator[Review]:
        """The examples of the split; `line` is the number of the record."""
        line = 0
        for batch in _batches(self.data_dir, self.official):
            for text, label in zip(batch["text"], batch["label"].tolist(), strict=True):
                line += 1
                yield Review(line, text.decode(errors="surrogateescape"), label)

    def held_out(self) -> Iterator[str]:
        """The texts of `unlike`: some examples are in both official splits."""
        if self.unlike:
            for batch in _batches(self.data_dir, self.unlike):
                for text in batch["text"]:
                    yield text.decode(errors="surrogateescape")


def prepare(data_dir: str | None) -> tfds.core.DatasetBuilder:
    """The builder of the dataset, which is downloaded and converted if needed.

    Raises:
      InputError: no data is prepared, and it cannot be downloaded.
    """
    import tensorflow_datasets as tfds

    builder = tfds.builder(DATASET, data_dir=data_dir)
    if builder.is_prepared():
        return builder
    # TFDS would retry for minutes before it gives up.
    for url in builder.url_infos:
        _require_answer(url, builder)
    try:
        builder.download_and_prepare(download_config=tfds.download.DownloadConfig(try_download_gcs=False))
    except Exception as error:  # any error of requests, tarfile or TFDS
        raise _not_prepared(builder, f"preparing it failed: {error}") from error
    return builder


def content_fingerprint(builder: tfds.core.DatasetBuilder) -> str:
    """Hex sha256 of the dataset's name, version and the prepared bytes of its labeled splits."""
    hashed = hashlib.sha256(builder.info.full_name.encode())
    for official in ("train", "test"):
        for path in sorted(builder.info.splits[official].filepaths):
            hashed.update(f"\n{official} {hashlib.sha256(path.read_bytes()).hexdigest()}".encode())
    return hashed.hexdigest()


def state(builder: tfds.core.DatasetBuilder) -> list[tuple[str, int, int, int]]:
    """A state that changes whenever a prepared file, or a folder on its path, is replaced or written.

    TensorFlow Datasets reads by path, so its bytes cannot be hashed while it reads. The state uses change
    times, which programs cannot set: restoring a file does not restore its state.
    """
    files = [path for official in ("train", "test") for path in builder.info.splits[official].filepaths]
    version = Path(builder.data_dir)
    places = [*map(Path, sorted(files)), version, version.parent, version.parent.parent]
    found = [(str(place), place.stat()) for place in places if place.exists()]
    return [(place, stat.st_ino, stat.st_size, stat.st_ctime_ns) for place, stat in found]


def _require_answer(url: str, builder: tfds.core.DatasetBuilder) -> None:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=_SECONDS_TO_ANSWER):
            return
    except urllib.error.HTTPError as error:
        raise _not_prepared(builder, f"{url} answered {error.code} {error.reason}") from error
    except OSError as error:
        raise _not_prepared(builder, f"{url} cannot be reached: {error}") from error


def _not_prepared(builder: tfds.core.DatasetBuilder, why: str) -> InputError:
    return InputError(
        f"TensorFlow Datasets has not prepared {DATASET} in {builder.data_dir}, and {why}. "
        "On a machine with a network run "
        f'`python -c \'import tensorflow_datasets as tfds; tfds.load("{DATASET}", data_dir="DIR")\'`, '
        "copy DIR here and set data.tfds_data_dir to it; or use --source packaged, the train split of the "
        "same examples."
    )


def _batches(data_dir: str | None, official: str) -> Iterator[dict]:
    import tensorflow_datasets as tfds

    dataset = prepare(data_dir).as_dataset(split=official, shuffle_files=False, batch_size=_READ_AT_ONCE)
    yield from tfds.as_numpy(dataset)
