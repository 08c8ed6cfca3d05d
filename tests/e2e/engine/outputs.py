"""What two workspaces have in common: examples, statistics, metrics and predictions."""

from pathlib import Path

import pandas as pd
import pytest
import tensorflow as tf

from pipeline.lineage.runs import read_run
from pipeline.workspace.layout import Workspace


def _output(root: Path, stage: str, key: str) -> Path:
    return read_run(Workspace.at(root).metadata).output(stage, key).path


def require_same_run(one: Path, other: Path) -> None:
    """The splits and their statistics are equal to the byte, the metrics but for the order of additions."""
    assert _examples(one) == _examples(other)
    assert sum(map(len, _examples(one).values())) == 200
    assert _statistics(one) == _statistics(other)
    here, there = _metrics(one), _metrics(other)
    assert here.keys() == there.keys() and "binary_accuracy" in here
    assert there == pytest.approx(here, rel=1e-6)


def require_same_predictions(one: Path, other: Path) -> None:
    """Each input row has the same prediction, wherever its worker wrote it."""
    here, there = (_predictions(path) for path in (one, other))
    assert len(here) == 150
    assert list(there.predicted_label) == list(here.predicted_label)
    assert list(there.probability) == pytest.approx(list(here.probability), abs=1e-6)


def _examples(root: Path) -> dict[str, list[bytes]]:
    return {
        split.name: sorted(
            record
            for file in split.iterdir()
            for record in tf.data.TFRecordDataset(str(file), "GZIP").as_numpy_iterator()
        )
        for split in _output(root, "ImdbExampleGen", "examples").glob("Split-*")
    }


def _statistics(root: Path) -> dict[str, bytes]:
    files = _output(root, "StatisticsGen", "statistics").glob("*/FeatureStats.pb")
    return {file.parent.name: file.read_bytes() for file in files}


def _metrics(root: Path) -> dict[str, float]:
    import tensorflow_model_analysis as tfma

    evaluation = str(_output(root, "Evaluator", "evaluation"))
    found = tfma.load_eval_result(evaluation).get_metrics_for_all_slices()[()]
    return {name: value["doubleValue"] for name, value in found.items() if "doubleValue" in value}


def _predictions(path: Path) -> pd.DataFrame:
    rows = pd.read_csv(path)
    rows["source_file"] = rows.source_file.map(lambda name: Path(name).name)
    return rows.sort_values(["source_file", "source_line"]).reset_index(drop=True)
