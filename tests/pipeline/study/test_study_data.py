"""The splits of a study: the files and the account that ImdbExampleGen would leave."""

import pytest

from components.example_gen.settings import DataSettings
from pipeline.config import Settings
from pipeline.study import data as study_data


@pytest.fixture
def spans(tmp_path):
    """A workspace with two spans: 2 of 5 rows of the older one are in the newer one, one row is bad."""
    folder = tmp_path / "ws" / "spans"
    for number, rows in ((1, "a,1\nb,0\nc,1\n,1\n"), (2, "b,0\nc,1\nd,0\nd,0\n")):
        (folder / f"span-{number}").mkdir(parents=True)
        (folder / f"span-{number}" / "r.csv").write_text("text,label\n" + rows)
    return Settings(workspace=tmp_path / "ws", data=DataSettings(source="spans", max_bad_share=0.5))


def test_the_spans_of_the_workspace_are_read_and_every_row_is_in_the_account(spans, tmp_path):
    splits = study_data.write_splits(spans.located_data, tmp_path)
    assert sum(file.reviews for file in splits.files.values()) == 5
    account = splits.account
    assert (account["rows"], account["used"], account["set_aside"], account["duplicates"]) == (8, 5, 2, 1)
    assert account["left_out"] == {"empty text": 1}
    assert account["first_left_out"] == [f"{tmp_path}/ws/spans/span-1/r.csv:5: empty text"]


def test_a_limit_is_told(spans, tmp_path):
    data = spans.located_data.model_copy(update={"limit": 2})
    account = study_data.write_splits(data, tmp_path).account
    assert (account["used"], account["beyond_limit"]) == (2, 3)
