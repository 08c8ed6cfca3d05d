"""Checks of files that a command is to read: labeled ones to land, unlabeled ones to predict or compare."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from components.batch_prediction import unlabeled
from components.drift import texts
from components.errors import DataStopped, InputError
from components.example_gen.formats.file_format import Format, format_of
from components.example_gen.reading import Reading, good
from components.example_gen.sources import file_lookup, preflight
from components.example_gen.sources.label_census import census

if TYPE_CHECKING:
    from components.batch_prediction.unlabeled import Wanted
    from components.example_gen.settings import DataSettings


def require_delivery(file: str, own: DataSettings) -> None:
    """Finds out that a file of labeled examples could not be landed.

    Args:
      own: the settings with the names of its columns.

    Raises:
      InputError: the file cannot be read as one of labeled texts.
      DataStopped: none of its first rows can be used, or its labels are those of a scale.
    """
    preflight.require_files(
        [file],
        preflight.labeled(own),
        max_bad_share=own.max_bad_share,
        names=own.class_names,
        census=lambda: census([file], own),
    )


def require_unlabeled(pattern: str, *, wanted: Wanted, known: str | None, max_bad_share: float) -> None:
    """Finds out that files could not be predicted; those elsewhere (`gs://...`) are left for the command.

    Args:
      pattern: of the files, or a path.
      known: one of `unlabeled.FORMATS`; None goes by the names.

    Raises:
      InputError: none matches, or one cannot be read as one of labeled texts, or Beam lacks
        the package for its address.
      DataStopped: none of the first rows of one can be used.
    """
    if "://" in pattern:
        preflight.require_file_system(pattern)
    else:
        require_unlabeled_files(
            unlabeled.input_paths(pattern), wanted=wanted, known=known, max_bad_share=max_bad_share
        )


def require_unlabeled_files(
    paths: Sequence[str], *, wanted: Wanted, known: str | None, max_bad_share: float
) -> None:
    """The same of files by their paths."""

    def look(path: str, reading: Reading) -> Iterable[object] | None:
        own = known or unlabeled.format_named(path)
        if own == Format.TF_RECORD.value:
            return None
        rows = unlabeled.read_file(path, known=own, wanted=wanted)
        return good(islice(rows, preflight.FIRST_ROWS), reading)

    preflight.require_files(paths, look, max_bad_share=max_bad_share)


def require_comparable(paths: Sequence[str], data: DataSettings) -> None:
    """Finds out that files could not be compared, labeled or not. Rows without a text may be left out.

    Raises:
      InputError: one cannot be read, none of its first rows has a text, or its labels are those of a scale.
    """

    columns = texts.columns_of(data.text_column, data.label_column, data.columns.labels)

    def look(path: str, reading: Reading) -> Iterable[object] | None:
        if not texts.is_plain(path):
            file_lookup.require_known_format(path)
            if format_of(path) is Format.TF_RECORD:
                return None
        records = islice(texts.records_of(path, columns, data.dialect), preflight.FIRST_ROWS)
        return texts.usable(records, file=path, columns=columns, reading=reading)

    here = [path for path in paths if "://" not in path]
    try:
        preflight.require_files(here, look, max_bad_share=1.0)
    except DataStopped as error:  # of `drift --fail` the exit code of that says that there is drift
        raise InputError(str(error)) from error
