"""The reader of Parquet files, as written by pandas, Hugging Face and Spark."""

import math
from contextlib import suppress
from typing import IO, Any

from components.errors import InputError
from components.example_gen.formats.packing import PARQUET_MAGIC
from components.example_gen.formats.rows import Columns, Record, Records, require_columns, unreadable

_ROWS_AT_ONCE = 1024


def parquet_records(source: str | IO[bytes], *, file: str, columns: Columns, whole: bool = False) -> Records:
    """The rows of a file; `line` is the number of the row.

    Args:
      source: a path, or the open file if it is seekable.
      file: its name in messages.
      whole: whether all columns are read, instead of only those in `columns`.

    Raises:
      InputError: the file cannot be read or is damaged, or lacks a needed column.
    """
    import pyarrow
    import pyarrow.parquet

    with suppress(ImportError):  # old pyarrow runs code from a file; this package of Beam prevents it
        import pyarrow_hotfix  # noqa: F401

    line = 0
    try:
        table = pyarrow.parquet.ParquetFile(source)
        names = table.schema_arrow.names
        require_columns(columns, present=names, file=file)
        wanted = [name for name in dict.fromkeys(names) if whole or name in columns.named]
        for batch in table.iter_batches(batch_size=_ROWS_AT_ONCE, columns=wanted):
            # The first of several columns of a name, as in CSV.
            values = [batch.column(batch.schema.names.index(name)).to_pylist() for name in wanted]
            for row in zip(*values, strict=True):
                line += 1
                yield Record(line, dict(zip(wanted, map(_plain, row), strict=True)))
        if line != table.metadata.num_rows:  # a broken page may end a column for pyarrow
            raise ValueError(f"the file says that it has {table.metadata.num_rows:,} rows")
    except (pyarrow.ArrowException, ValueError, NotImplementedError) as error:
        raise InputError(
            f"{file} is damaged after row {line:,}, or is Parquet that cannot be read here "
            f"({_first_line(error)}); write it again."
        ) from error
    except OSError as error:
        if error.errno is None:  # pyarrow's error for invalid bytes
            raise InputError(f"{file} is damaged ({_first_line(error)}); write or copy it again.") from error
        raise unreadable(file, error) from error


def is_parquet(head: bytes) -> bool:
    """Whether a file that begins with these bytes is a Parquet file."""
    return head.startswith(PARQUET_MAGIC)


def _plain(value: Any) -> Any:
    """A value as in JSON; bytes as text, with surrogates for bytes that are not UTF-8."""
    if isinstance(value, bytes):
        return value.decode(errors="surrogateescape")
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
