"""The file with the predictions that a gate judged."""

import io

import numpy as np
import pyarrow.parquet as parquet

from components.evaluator.predictions import Predictions


def test_columns_of_a_newer_release_are_passed_over():
    found = Predictions(
        text=np.array(["a film", "a play"], object),
        label=np.array([0, 1], np.int8),
        length=np.full(2, "under 125 words", object),
        probability=np.array([0.25, 0.75], np.float32),
    )
    table = parquet.read_table(io.BytesIO(found.to_bytes()))
    buffer = io.BytesIO()
    parquet.write_table(table.append_column("language", [["en", "en"]]), buffer)

    read = Predictions.from_bytes(buffer.getvalue())

    assert [*read.text] == ["a film", "a play"]
    assert [*read.probability] == [0.25, 0.75]
    assert read.span is None
