"""A prediction that was cut short goes on: real Beam, in process."""

import dataclasses
import json

import pytest

from components.batch_prediction import progress
from components.batch_prediction.formats import OutputFormat
from components.batch_prediction.job import Predicted, find_parts, predict_files
from components.batch_prediction.output import Output
from components.batch_prediction.unlabeled import Wanted
from pipeline.config import BeamSettings
from serving.store.manifest import Facts
from serving.versions import VersionStore

FILES, ROWS = 3, 5_000
"""Each file makes a shard of 4,096 rows, and one of the rest."""


class CutShort(Exception):
    pass


@pytest.fixture
def inputs(tmp_path):
    for number in range(FILES):
        rows = "".join(f"film {number} {row},{row}\n" for row in range(ROWS))
        (tmp_path / f"in-{number}.csv").write_text(f"text,id\n{rows}")
    return tmp_path


@pytest.fixture
def predict(inputs, model):
    def run(*, model=model, known=OutputFormat.JSON_LINES, until: int | None = None) -> Predicted:
        """until: the rows after which it is cut short."""
        output = Output(path=inputs / "out", known=known, folder=False)
        parts = find_parts(str(inputs / "in-*.csv"), wanted=Wanted())

        def listen(rows: int) -> None:
            if until is not None and rows >= until:
                raise CutShort

        with progress.reporting_to(listen):
            args = BeamSettings().pipeline_args()
            return predict_files(parts, model, output, max_bad_share=0, pipeline_args=args)

    return run


@pytest.fixture
def cut_short(predict):
    """After the first file and the first shard of the second."""
    with pytest.raises(Exception, match="CutShort"):
        predict(until=ROWS + 4_096 + 256)


def rows_of(folder) -> list[tuple[str, int]]:
    rows = [json.loads(line) for line in (folder / "out").read_text().splitlines()]
    return [(row["source_file"], row["source_line"]) for row in rows]


def all_rows(folder) -> list[tuple[str, int]]:
    return [
        (str(folder / f"in-{number}.csv"), line) for number in range(FILES) for line in range(2, ROWS + 2)
    ]


def test_finished_shards_are_not_made_again(inputs, predict, cut_short):
    assert not (inputs / "out").exists()
    done = predict()
    assert (done.reading.taken, done.taken_over) == (FILES * ROWS, ROWS + 4_096)
    assert rows_of(inputs) == all_rows(inputs)
    assert not list(inputs.glob(".out*"))


def test_only_the_rows_that_changed_are_predicted_again(inputs, predict, cut_short):
    (inputs / "in-00.csv").write_text("text,id\nbefore all others,1\n")
    with (inputs / "in-0.csv").open("a") as file:
        file.write("one more,5000\n")
    done = predict()
    assert (done.reading.taken, done.taken_over) == (FILES * ROWS + 2, 2 * 4_096)


def test_another_model_or_format_takes_nothing_over(inputs, predict, cut_short, model, small_model):
    store = VersionStore(model.root)
    number = store.push(small_model(bias=1.0), Facts()).version
    with pytest.raises(Exception, match="CutShort"):
        predict(model=dataclasses.replace(model, number=number), until=ROWS + 256)
    done = predict(known=OutputFormat.CSV)
    assert done.taken_over == 0


def test_a_shard_that_was_damaged_is_made_again(inputs, predict, cut_short):
    for shard in (inputs / ".out.unfinished").glob("*/*.jsonl"):
        shard.write_bytes(shard.read_bytes()[:-10])
    assert predict().taken_over == 0
    assert rows_of(inputs) == all_rows(inputs)
