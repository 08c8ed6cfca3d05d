"""Real Beam over small files; the model's own answers are what counts."""

import csv
import gzip
import json

import pytest
import tensorflow as tf
from apache_beam.options.pipeline_options import PipelineOptions

from components.batch_prediction import job
from components.batch_prediction.formats import OutputFormat, output_format
from components.batch_prediction.job import Model, find_parts, predict_files
from components.batch_prediction.output import Output
from components.batch_prediction.unlabeled import Wanted
from components.errors import DataStopped, GreenlightError, InputError
from pipeline.config import BeamSettings

TEXTS = ["a good film", "a film", "naïve “good” 🎬", 'with "quotes",\nand lines'] * 150


@pytest.fixture(scope="module")
def in_process(small_model):
    """Label and probability of each text by the model itself."""
    answer = tf.saved_model.load(str(small_model())).signatures["serving_default"](text=tf.constant(TEXTS))
    labels = [label.decode() for label in answer["label"].numpy()]
    return list(zip(labels, answer["probability"].numpy().tolist(), strict=True))


@pytest.fixture
def predict(tmp_path, model):
    def run(pattern: str, name: str, *, max_bad_share: float = 0.0, text_column: str = "text", **more):
        folder = name.endswith("/")
        known, gzipped = (OutputFormat.JSON_LINES, False) if folder else output_format(name)
        output = Output(path=tmp_path / name, known=known, gzipped=gzipped, folder=folder, **more)
        parts = find_parts(str(tmp_path / pattern), wanted=Wanted(text_column))
        args = BeamSettings().pipeline_args()
        done = predict_files(parts, model, output, max_bad_share=max_bad_share, pipeline_args=args)
        assert done.taken_over == 0
        return done.reading

    return run


@pytest.fixture
def reviews(tmp_path):
    """The texts as a JSONL file with ids."""
    lines = [json.dumps({"id": number, "text": text}) for number, text in enumerate(TEXTS)]
    (tmp_path / "reviews.jsonl").write_text("\n".join(lines) + "\n")
    return tmp_path / "reviews.jsonl"


def test_every_row_keeps_its_fields_and_gets_the_models_own_answer(tmp_path, reviews, predict, in_process):
    reading = predict("reviews.jsonl", "out.jsonl")
    assert (reading.taken, reading.bad_rows) == (len(TEXTS), 0)
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == list(range(len(TEXTS)))
    assert [row["text"] for row in rows] == TEXTS
    assert [row["source_line"] for row in rows] == list(range(1, len(TEXTS) + 1))
    assert {(row["source_file"], row["model_version"]) for row in rows} == {(str(reviews), 1)}
    assert [row["predicted_label"] for row in rows] == [label for label, _ in in_process]
    assert [row["probability"] for row in rows] == pytest.approx([p for _, p in in_process], abs=1e-6)


def test_csv_comes_out_as_csv_with_the_columns_it_had(tmp_path, predict, in_process):
    with (tmp_path / "in.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("label", "text"), *(("1", text) for text in TEXTS)])
    predict("in.csv", "out.csv")
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        *("label", "text", "source_file", "source_line"),
        *("predicted_label", "probability", "model_version"),
    ]
    assert [(row["label"], row["text"]) for row in rows] == [("1", text) for text in TEXTS]
    assert [row["predicted_label"] for row in rows] == [label for label, _ in in_process]


def test_gzipped_tfrecords_go_in_and_out(tmp_path, predict, in_process):
    with tf.io.TFRecordWriter(str(tmp_path / "in.tfrecord.gz"), "GZIP") as writer:
        for text in TEXTS:
            example = tf.train.Example()
            example.features.feature["text"].bytes_list.value.append(text.encode())
            example.features.feature["label"].int64_list.value.append(1)
            writer.write(example.SerializeToString())
    predict("in.tfrecord.gz", "out.tfrecord.gz")
    records = tf.data.TFRecordDataset(str(tmp_path / "out.tfrecord.gz"), "GZIP").as_numpy_iterator()
    features = [tf.train.Example.FromString(record).features.feature for record in records]
    assert [one["predicted_label"].bytes_list.value[0].decode() for one in features] == [
        label for label, _ in in_process
    ]
    assert {one["label"].int64_list.value[0] for one in features} == {1}


def test_files_of_a_pattern_become_one_output(tmp_path, predict):
    for name in ("b", "a"):
        (tmp_path / f"in-{name}.txt.gz").write_bytes(gzip.compress(f"{name} one\n\n{name} two\n".encode()))
    predict("in-*.txt.gz", "out.jsonl.gz")
    lines = gzip.decompress((tmp_path / "out.jsonl.gz").read_bytes()).splitlines()
    rows = [(row["text"], row["source_line"]) for row in map(json.loads, lines)]
    assert rows == [("a one", 1), ("a two", 3), ("b one", 1), ("b two", 3)]


def test_a_folder_gets_the_good_rows_and_the_bad_ones_are_named(tmp_path, predict):
    (tmp_path / "in.csv").write_text("text,id\nfine,1\n,2\nfine,3\nfine,4\n")
    reading = predict("in.csv", "out/", max_bad_share=0.25)
    assert [str(bad) for bad in reading.first_bad] == [f"{tmp_path / 'in.csv'}:3: empty text"]
    (file,) = (tmp_path / "out").iterdir()
    assert file.name == "predictions-00000-of-00001.jsonl"
    assert [json.loads(line)["id"] for line in file.read_text().splitlines()] == ["1", "3", "4"]


def nothing_left(folder) -> bool:
    """Whether a failed job has left no output, whole or half."""
    return not [path for path in folder.iterdir() if path.name.startswith(("out", ".out"))]


@pytest.mark.parametrize(
    ("name", "content", "error", "text"),
    [
        ("in.csv", b"text\n\nfine\n \n", DataStopped, "1 of 2 rows cannot be used"),
        ("in.csv", b"body\nfine\n", InputError, "has no column 'text'; it has: body"),
        ("in.tfrecord", b"no records at all", InputError, "is not a file of TFRecords"),
        ("in.txt", b"", InputError, "it contains no texts"),
    ],
)
def test_an_input_that_cannot_be_used_leaves_no_output(tmp_path, predict, name, content, error, text):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(error) as caught:
        predict(name, "out.jsonl")
    assert text in str(caught.value)
    assert nothing_left(tmp_path)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("none-*.csv", "No file matches"),
        ("", "is a folder; say which of its files"),
        ("in.xlsx", "cannot tell the format from the name"),
    ],
)
def test_an_input_that_is_not_there_is_said_to_be_missing(tmp_path, predict, pattern, text):
    (tmp_path / "in.xlsx").touch()
    with pytest.raises(InputError, match=text):
        predict(pattern, "out.jsonl")


def test_a_version_that_was_changed_predicts_nothing(tmp_path, model, predict, small_model):
    from serving.store.manifest import Facts
    from serving.versions import VersionStore

    store = VersionStore(tmp_path / "store")
    store.push(small_model(), Facts())
    (tmp_path / "store" / "1" / "fingerprint.pb").write_bytes(b"changed")
    (tmp_path / "in.txt").write_text("fine\n")
    output = Output(path=tmp_path / "out.jsonl", known=OutputFormat.JSON_LINES)
    parts = find_parts(str(tmp_path / "in.txt"), wanted=Wanted())
    with pytest.raises((GreenlightError, RuntimeError), match="does not match its manifest"):
        predict_files(
            parts,
            Model(root=store.root, number=1),
            output,
            max_bad_share=0,
            pipeline_args=BeamSettings().pipeline_args(),
        )
    assert nothing_left(tmp_path)


@pytest.mark.parametrize(
    ("settings", "one"),
    [
        ({}, True),
        ({"workers": 2}, False),
        ({"runner": "PortableRunner", "options": ("--job_endpoint=localhost:8099",)}, False),
        ({"runner": "flink"}, False),
        ({"runner": "spark"}, False),
    ],
)
def test_files_are_spread_over_the_workers_of_every_runner_that_has_them(settings, one):
    assert job.is_one_worker(PipelineOptions(BeamSettings(**settings).pipeline_args())) is one
