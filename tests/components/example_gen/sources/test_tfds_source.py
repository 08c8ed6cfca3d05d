"""The real TFDS builder over a small archive of the official shape."""

import io
import os
import tarfile
import urllib.error
import urllib.request
from unittest import mock

import pytest
import tensorflow_datasets as tfds

from components.errors import InputError
from components.example_gen.settings import DataSettings
from components.example_gen.sources import prepared
from components.example_gen.sources.parts import fingerprint, parts

A_SPLIT = 60


@pytest.fixture(scope="module")
def archive(tmp_path_factory, real_reviews):
    """aclImdb of 60 train and 60 test reviews; one review stands in both, as some do in the official one."""
    path = tmp_path_factory.mktemp("archive") / "aclImdb_v1.tar.gz"
    by_label = {label: [review.text for review in real_reviews if review.label == label] for label in (0, 1)}
    with tarfile.open(path, "w:gz") as tar:
        for official, start in (("train", 0), ("test", A_SPLIT // 2 - 1)):
            for label, name in ((0, "neg"), (1, "pos")):
                # In the negative class the test split starts with the last train review.
                first = start if label == 0 else start + (official == "test")
                for number, text in enumerate(by_label[label][first : first + A_SPLIT // 2]):
                    add(tar, f"aclImdb/{official}/{name}/{number}_{label * 9 + 1}.txt", text)
        add(tar, "aclImdb/train/unsup/0_0.txt", "an unlabeled review")
    return path


def add(tar: tarfile.TarFile, name: str, text: str) -> None:
    content = text.encode()
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


@pytest.fixture(scope="module")
def data_dir(archive, tmp_path_factory):
    """The archive as TFDS prepares it."""
    folder = tmp_path_factory.mktemp("tfds")
    with mock.patch.object(tfds.download.DownloadManager, "download", return_value=archive):
        tfds.builder(prepared.DATASET, data_dir=folder).download_and_prepare()
    return folder


@pytest.fixture
def settings(data_dir) -> DataSettings:
    return DataSettings(source="tfds", tfds_data_dir=str(data_dir))


def test_the_official_test_split_is_the_test_split(generate, settings, real_reviews):
    generated = generate(settings)
    assert generated.splits == ["train", "eval", "test"]
    assert len(generated.records("test")) == A_SPLIT
    # One train review is in the test split, too: it is excluded.
    assert len(generated.records("train")) + len(generated.records("eval")) == A_SPLIT - 1
    assert generated.reading["set_aside"] == 1
    assert set(generated.all_reviews()) <= {(review.text, review.label) for review in real_reviews}
    assert [label for _, label in generated.all_reviews()].count(1) == A_SPLIT


def test_without_a_test_weight_the_official_test_split_is_left_alone(settings):
    found = parts(settings.model_copy(update={"test_weight": 0}))
    assert [(part.name, part.split, list(part.held_out())) for part in found] == [
        ("imdb_reviews/plain_text:train", None, [])
    ]


def test_the_fingerprint_is_of_the_prepared_bytes(settings, data_dir):
    before = fingerprint(settings)
    assert before.startswith("tfds:")
    (shard,) = data_dir.glob("imdb_reviews/plain_text/*/imdb_reviews-test.tfrecord-*")
    content = shard.read_bytes()
    os.utime(shard, (1, 1))
    assert fingerprint(settings) == before
    shard.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert fingerprint(settings) != before
    shard.write_bytes(content)


@pytest.fixture
def nothing_prepared(tmp_path) -> DataSettings:
    return DataSettings(source="tfds", tfds_data_dir=str(tmp_path))


@pytest.mark.parametrize(
    ("failure", "why"),
    [
        (
            urllib.error.URLError("Name or service not known"),
            r"cannot be reached: .*Name or service not known",
        ),
        (TimeoutError("timed out"), r"cannot be reached: timed out"),
        (urllib.error.HTTPError("u", 403, "Forbidden", None, None), r"answered 403 Forbidden"),
    ],
)
def test_no_network_and_nothing_prepared_is_one_error_with_the_remedy(
    nothing_prepared, tmp_path, monkeypatch, failure, why
):
    monkeypatch.setattr(urllib.request, "urlopen", mock.Mock(side_effect=failure))
    with pytest.raises(InputError, match=why) as refused:
        parts(nothing_prepared)
    message = str(refused.value)
    assert f"has not prepared imdb_reviews/plain_text in {tmp_path}" in message
    assert 'tfds.load("imdb_reviews/plain_text", data_dir="DIR")' in message
    assert "set data.tfds_data_dir to it; or use --source packaged" in message


def test_a_download_that_fails_half_way_is_the_same_error(nothing_prepared, monkeypatch):
    monkeypatch.setattr(urllib.request, "urlopen", mock.MagicMock())
    broken = mock.patch.object(
        tfds.download.DownloadManager, "download", side_effect=ConnectionError("connection reset")
    )
    with broken, pytest.raises(InputError, match=r"preparing it failed: .*connection reset"):
        parts(nothing_prepared)
