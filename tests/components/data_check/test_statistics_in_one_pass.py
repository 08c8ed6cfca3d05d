"""The one-pass executor beside TFX's own: the same numbers out of the same examples."""

from pathlib import Path

import pytest
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx.components.statistics_gen.executor import Executor as PlainExecutor

from components.data_check.facts import split_facts
from components.data_check.statistics import StatisticsGen
from components.fingerprints import code_fingerprint


def read(artifact, split: str) -> statistics_pb2.DatasetFeatureStatisticsList:
    content = (Path(artifact.uri) / f"Split-{split}" / "FeatureStats.pb").read_bytes()
    return statistics_pb2.DatasetFeatureStatisticsList.FromString(content)


def rounded(statistics: statistics_pb2.DatasetFeatureStatisticsList) -> dict:
    """By feature; sums of shards may differ in the last place."""
    features = {}
    for feature in statistics.datasets[0].features:
        if feature.HasField("num_stats"):
            numbers = feature.num_stats
            numbers.mean, numbers.std_dev = round(numbers.mean, 9), round(numbers.std_dev, 9)
        features[feature.path.step[0]] = feature
    return features


def test_both_executors_find_the_same_numbers(stages, reviews_from, lacking):
    splits = {
        "train": [reviews_from(0, 40), [*reviews_from(40, 25), lacking("label")]],
        "test": [[]],
    }
    examples = stages.examples(splits)
    one_pass, plain = stages.statistics(examples), stages.statistics(examples, executor=PlainExecutor)
    assert one_pass.split_names == plain.split_names
    for split in splits:
        ours, theirs = read(one_pass, split), read(plain, split)
        assert len(ours.datasets) == len(theirs.datasets) == 1
        assert ours.datasets[0].num_examples == theirs.datasets[0].num_examples
        assert rounded(ours) == rounded(theirs)
    assert split_facts(read(one_pass, "train")).missing == {"label": 1}
    assert split_facts(read(one_pass, "test")).examples == 0


def test_no_whole_review_stands_in_the_statistics(stages, reviews_from):
    examples = stages.examples({"train": [reviews_from(0, 40)], "eval": [reviews_from(40, 20)]})
    content = read(stages.statistics(examples), "train").SerializeToString()
    assert b"word word word" not in content
    assert b"280 words or more" in content


@pytest.fixture
def examples_channel():
    from components.example_gen.component import TextExampleGen
    from components.example_gen.settings import DataSettings

    return TextExampleGen(DataSettings()).outputs["examples"]


def test_the_stage_goes_by_tfx_s_name(examples_channel):
    assert StatisticsGen(examples_channel).id == "StatisticsGen"


def test_the_stage_s_code_is_in_its_cache_key(examples_channel):
    assert StatisticsGen(examples_channel).exec_properties["code"] == code_fingerprint(
        "components.data_check.statistics"
    )
