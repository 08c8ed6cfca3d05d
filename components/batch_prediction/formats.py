"""The output formats of batch predictions: JSON Lines, CSV and TFRecord."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

from components.batch_prediction.unlabeled import Unlabeled
from components.errors import InputError
from serving.transports.calls import Prediction

LABEL, PROBABILITY, VERSION = "predicted_label", "probability", "model_version"
FILE, LINE = "source_file", "source_line"
ADDED = (FILE, LINE, LABEL, PROBABILITY, VERSION)
"""The fields that a prediction adds to its row; they stand in for fields of the same names.

A model of more than two classes also adds the probability of each class, in columns of their own, so that all
formats load into one table: `probability_ham`, `probability_spam`, ...
"""

Predicted = tuple[str, Unlabeled, Prediction]
"""The input file, the row, and its prediction."""


class OutputFormat(StrEnum):
    """The format of the output; the value is the suffix of its files."""

    JSON_LINES = ".jsonl"
    CSV = ".csv"
    TF_RECORD = ".tfrecord"


def output_format(path: str) -> tuple[OutputFormat, bool]:
    """The format for the suffix of a path, and whether the output is compressed with gzip.

    Raises:
      InputError: the suffix is not that of a format.
    """
    name = path.lower()
    for known in OutputFormat:
        if name.endswith((known.value, f"{known.value}.gz")):
            return known, name.endswith(".gz")
    raise InputError(
        f"{path}: cannot tell the format from the name; give a file that ends in .jsonl, .csv or .tfrecord, "
        "each also with .gz after it, or a folder that ends in / with --format."
    )


def as_fields(predicted: Predicted) -> dict[str, Any]:
    """The fields of a row, and those of its prediction."""
    file, row, found = predicted
    many = found.probabilities if len(found.probabilities) > 2 else {}
    added = {
        FILE: file,
        LINE: row.line,
        LABEL: found.label,
        PROBABILITY: round(found.probability, 6),
        **{_class_column(name): round(value, 6) for name, value in many.items()},
        VERSION: found.version,
    }
    return {**{name: value for name, value in row.fields.items() if name not in added}, **added}


def columns_of(row: Unlabeled, *, classes: Sequence[str] = ()) -> tuple[str, ...]:
    """The columns of a CSV with this first row. classes: of the model."""
    many = [_class_column(name) for name in classes] if len(classes) > 2 else []
    added = (FILE, LINE, LABEL, PROBABILITY, *many, VERSION)
    return (*(name for name in row.fields if name not in added), *added)


def _class_column(name: str) -> str:
    return f"{PROBABILITY}_{name}"


def render(known: OutputFormat, predicted: Iterable[Predicted], columns: Sequence[str]) -> list[bytes]:
    """The rows as lines with line ends, or as serialized tf.Examples; `columns` are those of a CSV."""
    rows = [as_fields(one) for one in predicted]
    if known is OutputFormat.JSON_LINES:
        return [f"{json.dumps(row, ensure_ascii=False)}\n".encode(errors="replace") for row in rows]
    if known is OutputFormat.CSV:
        return [_csv_lines(rows, columns)]
    return [_example(row) for row in rows]


def header(known: OutputFormat, columns: Sequence[str]) -> bytes:
    """The first bytes of every file."""
    return _csv_line(columns) if known is OutputFormat.CSV else b""


def _csv_lines(rows: Iterable[dict[str, Any]], columns: Sequence[str]) -> bytes:
    return b"".join(_csv_line([_cell(row.get(column)) for column in columns]) for row in rows)


def _csv_line(cells: Sequence[Any]) -> bytes:
    line = io.StringIO(newline="")
    csv.writer(line).writerow(cells)
    return line.getvalue().encode(errors="replace")


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict | bool) else value


def _example(row: dict[str, Any]) -> bytes:
    import tensorflow as tf

    example = tf.train.Example()
    for name, value in row.items():
        feature = example.features.feature[name]
        if isinstance(value, bool | int) and abs(value) < 2**63:
            feature.int64_list.value.append(int(value))
        elif isinstance(value, float):
            feature.float_list.value.append(value)
        elif value is not None:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            feature.bytes_list.value.append(text.encode(errors="replace"))
    return example.SerializeToString(deterministic=True)
