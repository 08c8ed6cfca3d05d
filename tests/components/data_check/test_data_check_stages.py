"""Statistics, validation against the curated schema and the check, as they run one after the other."""

import json
from pathlib import Path

import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from components.data_check.schema import SCHEMA_FILE, CuratedSchema, Executor
from components.errors import DataStopped
from components.reviews import LENGTHS


def test_good_data_gets_a_verdict_with_its_figures(stages, reviews_from):
    splits = {"train": [reviews_from(0, 20)], "eval": [reviews_from(20, 6)], "test": [reviews_from(30, 4)]}
    examples = stages.examples(splits)
    (stages.folder / "examples" / "reading.json").write_text('{"rows": 31, "taken": 30}')
    verdict = stages.verdict(examples)
    assert verdict["findings"] == []
    assert verdict["reading"] == {"rows": 31, "taken": 30}
    known = verdict["splits"]
    assert {split: facts["examples"] for split, facts in known.items()} == {"train": 20, "eval": 6, "test": 4}
    train = known["train"]
    assert (train["negative"], train["positive"], train["positive_share"]) == (10, 10, 0.5)
    assert sum(train["lengths"].values()) == 20
    assert len(train["words"]) == 11
    assert (train["words"][0], train["words"][-1]) == (4.0, 300.0)
    assert train["missing"] == {}


def test_everything_wrong_with_the_data_is_told_in_one_go(stages, reviews_from, lacking):
    odd_length = reviews_from(40, 1)[0]
    odd_length.features.feature["length"].bytes_list.value[0] = b"epic"
    train = [*reviews_from(0, 20), reviews_from(20, 1, label=2)[0], lacking("text"), odd_length]
    examples = stages.examples({"train": [train], "eval": [[]], "test": [reviews_from(30, 4, label=1)]})
    with pytest.raises(DataStopped) as stopped:
        stages.verdict(examples)
    first, *lines = str(stopped.value).splitlines()
    assert first.startswith("The data check stopped the run before training; ")
    told = "\n".join(lines)
    assert "train: label: Out-of-range values: Unexpectedly large value: 2" in told
    assert "train: text: " in told and "fewer examples than expected" in told
    assert "train: length: Unexpected string values: " in told and "epic" in told
    assert "eval: 0 examples, fewer than the 2 of check.min_eval_examples" in told
    assert (
        "test: label: 0.0% of the examples are negative, less than the 5.0% of check.min_class_share" in told
    )
    assert all(line.startswith("  ") for line in lines)


def test_a_feature_that_is_nowhere_is_told(stages, reviews_from):
    train = reviews_from(0, 20)
    for example in train:
        del example.features.feature["text"]
    with pytest.raises(DataStopped, match="train: text: Column dropped"):
        stages.verdict(stages.examples({"train": [train], "eval": [reviews_from(20, 6)]}))


def test_text_of_another_type_is_told(stages, reviews_from):
    train = reviews_from(0, 20)
    for example in train:
        example.features.feature["text"].CopyFrom(tf.train.Feature(int64_list=tf.train.Int64List(value=[1])))
    with pytest.raises(DataStopped, match=r"train: text: .*BYTES.*INT"):
        stages.verdict(stages.examples({"train": [train], "eval": [reviews_from(20, 6)]}))


def test_the_schema_knows_the_length_buckets():
    schema = text_format.Parse(SCHEMA_FILE.read_text(), schema_pb2.Schema())
    (lengths,) = schema.string_domain
    assert tuple(lengths.value) == LENGTHS


def sliced(example, **slices):
    for name, value in slices.items():
        example.features.feature[name].bytes_list.value.append(value.encode())
    return example


def write_schema(stages, **more):
    Path(stages.schema.uri, "schema.pbtxt").unlink()
    Executor().Do({}, {"schema": [stages.schema]}, CuratedSchema(**more).exec_properties)


def test_the_schema_takes_more_classes_and_slice_columns(stages, reviews_from):
    write_schema(stages, classes=3, slice_columns=("lang",))
    train = [sliced(example, lang="de") for example in reviews_from(0, 20)]
    train[0].features.feature["label"].int64_list.value[0] = 2
    verdict = stages.verdict(stages.examples({"train": [train], "eval": [train[:6]]}))
    assert verdict["findings"] == []
    train[1].features.feature["label"].int64_list.value[0] = 3
    del train[2].features.feature["lang"]
    with pytest.raises(DataStopped) as stopped:
        stages.verdict(stages.examples({"train": [train], "eval": [train[:6]]}))
    assert "train: label: Out-of-range values: Unexpectedly large value: 3" in str(stopped.value)
    assert "train: lang: " in str(stopped.value)


def test_a_feature_that_no_setting_names_is_told(stages, reviews_from):
    train = [sliced(example, lang="de") for example in reviews_from(0, 20)]
    with pytest.raises(DataStopped, match="train: lang: New column"):
        stages.verdict(stages.examples({"train": [train], "eval": [reviews_from(20, 6)]}))


def test_two_classes_without_slice_columns_have_the_curated_schema_to_the_byte(stages):
    write_schema(stages)
    assert Path(stages.schema.uri, "schema.pbtxt").read_bytes() == SCHEMA_FILE.read_bytes()
    different = ({}, {"classes": 3}, {"slice_columns": ["lang"]})
    assert len({json.dumps(CuratedSchema(**more).exec_properties) for more in different}) == 3
