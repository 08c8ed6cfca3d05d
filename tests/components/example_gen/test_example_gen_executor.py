import json
from itertools import pairwise

import apache_beam as beam
import pytest
import tensorflow as tf
from tfx.components.example_gen import write_split

from components.errors import DataStopped, InputError
from components.example_gen.settings import DataSettings
from components.reviews import normalize, to_example


@pytest.fixture(scope="module")
def rows(real_reviews) -> list[tuple[str, int]]:
    return [(review.text, review.label) for review in real_reviews]


def test_every_review_is_written_once_into_one_split(generated, rows):
    assert generated.splits == ["train", "eval", "test"]
    assert generated.all_reviews() == sorted(rows)
    sizes = [len(generated.records(split)) for split in generated.splits]
    assert sizes[0] > 200 and min(sizes[1:]) > 50
    assert generated.reading["taken"] == 400
    assert generated.artifact.get_string_custom_property("payload_format") == "FORMAT_TF_EXAMPLE"


def test_a_second_run_writes_the_same_bytes(generate, generated, real_csv):
    again = generate(DataSettings(source=f"files:{real_csv}"))
    for split in generated.splits:
        assert [path.read_bytes() for path in generated.shards(split)] == [
            path.read_bytes() for path in again.shards(split)
        ]


def test_classes_are_mixed_although_the_source_is_sorted(generated):
    labels = [label for _, label in generated.reviews("train")]
    changes = sum(before != after for before, after in pairwise(labels))
    assert changes > len(labels) / 3


def test_batches_are_written_as_tfx_writes_single_records(generated, rows, tmp_path):
    records = [to_example(text, label).SerializeToString() for text, label in rows]
    with beam.Pipeline("DirectRunner") as pipeline:
        pipeline | beam.Create(records) | write_split.WriteSplit(str(tmp_path / "plain"), None)
    paths = [str(path) for path in (tmp_path / "plain").iterdir()]
    plain = tf.data.TFRecordDataset(paths, compression_type="GZIP").as_numpy_iterator()
    ours = [record for split in generated.splits for record in generated.records(split)]
    assert examples(ours) == examples(plain)
    assert generated.shards("train")[0].name == "data_tfrecord-00000-of-00001.gz"


def examples(records) -> list[str]:
    """Comparable: the order of a map's entries in a serialized record is not fixed."""
    return sorted(str(tf.train.Example.FromString(record)) for record in records)


@pytest.fixture
def parted(write_csv, rows, tmp_path):
    """The same reviews as two files, one of them backwards."""
    write_csv("parts/1.csv", reversed(rows[::2]))
    write_csv("parts/2.csv", rows[1::2])
    return DataSettings(source=f"files:{tmp_path}/parts/*.csv")


def test_the_order_of_files_and_rows_changes_no_split(generate, generated, parted):
    other = generate(parted)
    for split in generated.splits:
        assert sorted(generated.reviews(split)) == sorted(other.reviews(split))


def test_a_limit_takes_the_same_few_of_any_order(generate, real_csv, parted):
    few = {"limit": 60, "test_weight": 0}
    whole = generate(DataSettings(source=f"files:{real_csv}", **few))
    other = generate(parted.model_copy(update=few))
    assert whole.splits == ["train", "eval"]
    assert not (whole.folder / "Split-test").exists()
    assert len(whole.all_reviews()) == 60
    assert whole.all_reviews() == other.all_reviews()
    assert 15 < sum(label for _, label in whole.all_reviews()) < 45


def test_of_a_limit_the_duplicates_are_those_of_the_rows_that_are_used(generate, write_csv, tmp_path, rows):
    for name in ("twice/1.csv", "twice/2.csv"):
        write_csv(name, rows[:40])
    made = generate(DataSettings(source=f"files:{tmp_path}/twice/*.csv", limit=30))
    assert len(made.all_reviews()) == 30
    assert (made.reading["taken"], made.reading["duplicates"]) == (80, 15)


def test_duplicates_never_straddle_splits(generate, generated, write_csv, rows):
    path = write_csv("shouted.csv", [(f"{text.upper()}<br /> ", label) for text, label in rows])
    shouted = generate(DataSettings(source=f"files:{path}"))
    for split in generated.splits:
        same = {normalize(text) for text, _ in generated.reviews(split)}
        assert {normalize(text) for text, _ in shouted.reviews(split)} == same


def test_an_empty_split_is_an_empty_file(generate, write_csv):
    path = write_csv("one.csv", [("fine", 1)], header=("review", "sentiment"))
    generated = generate(DataSettings(source=f"files:{path}", text_column="review", label_column="sentiment"))
    assert generated.all_reviews() == [("fine", 1)]
    assert all(len(generated.shards(split)) == 1 for split in generated.splits)


@pytest.fixture
def mixed_sources(tmp_path, write_csv, rows):
    """A CSV and a JSONL file: 200 sound rows and four that cannot be used."""
    broken = write_csv("mixed/a.csv", [*rows[:99], (" <br /> ", 1), *rows[300:301], ("fine", "meh")])
    with broken.open("ab") as file:
        file.write(b"not \xff UTF-8,1\n")
    lines = [json.dumps({"text": text, "label": label}) for text, label in rows[99:199]]
    (tmp_path / "mixed" / "b.jsonl").write_text("\n".join([*lines, '{"text": "no label"}']))
    return tmp_path / "mixed" / "*"


def test_bad_rows_are_left_out_named_and_counted(generate, mixed_sources, tmp_path):
    generated = generate(DataSettings(source=f"files:{mixed_sources}", max_bad_share=0.02))
    assert len(generated.all_reviews()) == 200
    assert generated.reading["bad"] == {
        "bad label": 1,
        "empty text": 1,
        "no label": 1,
        "not UTF-8": 1,
    }
    places = [(file.removeprefix(f"{tmp_path}/"), line) for file, line, *_ in generated.reading["first_bad"]]
    assert [file for file, _ in places] == ["mixed/a.csv"] * 3 + ["mixed/b.jsonl"]
    assert places[-1][1] == 101
    assert generated.artifact.get_int_custom_property("bad_rows") == 4


def test_duplicates_of_all_files_are_counted_and_those_that_a_mapping_leaves_out(generate, tmp_path, rows):
    texts = [text for text, _ in rows[:40]]
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    stars = [{"text": text, "label": number % 5 + 1} for number, text in enumerate(texts)]
    first.write_text("".join(json.dumps(one) + "\n" for one in stars))
    second.write_text("".join(json.dumps(one | {"label": 5}) + "\n" for one in stars[:10] + stars[:1]))
    labels = {"1": "negative", "2": "negative", "4": "positive", "5": "positive"}
    generated = generate(DataSettings(source=f"files:{tmp_path}/*.jsonl", labels=labels))
    assert (generated.reading["taken"], generated.reading["unmapped"]) == (32 + 11, {"3": 8})
    assert generated.reading["duplicates"] == len(generated.all_reviews()) - len(
        {normalize(text) for text, _ in generated.all_reviews()}
    )
    assert generated.reading["duplicates"] >= 8


def test_too_many_bad_rows_stop_the_run(generate, mixed_sources):
    with pytest.raises(DataStopped) as stopped:
        generate(DataSettings(source=f"files:{mixed_sources}"))
    assert "4 of 204 rows cannot be used" in str(stopped.value)
    assert "a.csv:" in str(stopped.value) and "b.jsonl:101: no label" in str(stopped.value)


def test_the_mapping_that_is_proposed_names_the_labels_as_the_files_have_them(generate, write_csv, rows):
    path = write_csv("junk.csv", [*rows[::5], *((f"text {number}", "junk") for number in range(20))])
    with pytest.raises(DataStopped, match=r'data\.labels = {"0" = "negative", "1" = "positive"}'):
        generate(DataSettings(source=f"files:{path}"))


def test_a_file_without_the_text_column_is_an_input_error(generate, write_csv, tmp_path):
    write_csv("files/a.csv", [("fine", 1)])
    write_csv("files/b.csv", [("fine", 1)], header=("review", "label"))
    with pytest.raises(InputError, match=r"b\.csv has no column 'text'; it has: review, label"):
        generate(DataSettings(source=f"files:{tmp_path}/files/*.csv"))
