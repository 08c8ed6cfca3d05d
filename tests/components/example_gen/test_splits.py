from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.example_gen import splits
from components.example_gen.settings import DataSettings
from components.example_gen.sources.packaged import PackagedPart
from components.example_gen.splits import Splitter
from components.reviews import length_bucket, normalize

DEFAULT = DataSettings()
SEED = DataSettings(eval_weight=10_000, test_weight=0)

salts = st.text(max_size=8)
weights = st.lists(st.integers(1, 10**9), min_size=1, max_size=4).map(
    lambda values: tuple((f"split-{index}", value) for index, value in enumerate(values))
)


@pytest.fixture(scope="module")
def packaged_digests() -> list[bytes]:
    return [
        splits.digest(normalize(review.text), salt=DEFAULT.split_salt) for review in PackagedPart().rows()
    ]


def counts(digests, settings) -> Counter:
    splitter = splits.splitter(settings)
    return Counter(splitter.split_of(digest) for digest in digests)


def test_the_default_salt_shares_out_the_packaged_reviews_exactly(packaged_digests):
    assert counts(packaged_digests, DEFAULT) == {"train": 15_000, "eval": 5_000, "test": 5_000}


def test_the_seed_preset_trains_on_the_same_reviews(packaged_digests):
    assert counts(packaged_digests, SEED) == {"train": 15_000, "eval": 10_000}
    default, seed = splits.splitter(DEFAULT), splits.splitter(SEED)
    for digest in packaged_digests:
        assert (default.split_of(digest) == "train") == (seed.split_of(digest) == "train")


def test_the_first_reviews_by_rank_come_from_all_splits(packaged_digests):
    few = sorted(packaged_digests, key=splits.rank)[:1000]
    found = counts(few, DEFAULT)
    assert found["train"] == pytest.approx(600, abs=60)
    assert found["eval"] == pytest.approx(200, abs=50)


def test_each_length_bucket_holds_about_a_quarter():
    found = Counter(length_bucket(len(review.text.split())) for review in PackagedPart().rows())
    assert len(found) == 4
    assert all(0.22 < count / 25_000 < 0.28 for count in found.values())


@given(st.text(), salts, weights)
def test_a_text_has_one_split_wherever_and_however_often_it_stands(text, salt, weights):
    splitter = Splitter(weights)
    once = splitter.split_of(splits.digest(normalize(text), salt=salt))
    again = splitter.split_of(splits.digest(normalize(f"  {text.upper().lower()}<br />"), salt=salt))
    if normalize(text) == normalize(text.upper().lower()):
        assert once == again
    assert once in dict(weights)


@given(st.integers(0, 2**64 - 1), weights)
def test_positions_lie_below_the_total_weight(point, weights):
    position = Splitter(weights).position(point.to_bytes(8, "big") + bytes(8))
    assert 0 <= position < sum(weight for _, weight in weights)


@given(st.integers(0, 2**64 - 1), weights, st.integers(1, 1000))
def test_scaled_weights_give_the_same_splits(point, weights, factor):
    scaled = tuple((name, weight * factor) for name, weight in weights)
    digest = point.to_bytes(8, "big") + bytes(8)
    assert Splitter(weights).split_of(digest) == Splitter(scaled).split_of(digest)


@given(salts)
def test_splits_get_their_share_under_any_salt(salt):
    splitter = Splitter((("train", 3), ("eval", 1)))
    found = Counter(splitter.split_of(splits.digest(f"review {n}", salt=salt)) for n in range(2000))
    # Six standard deviations of a binomial count.
    assert found["train"] == pytest.approx(1500, abs=117)


def test_another_salt_gives_another_split():
    splitter = splits.splitter(DEFAULT)
    texts = [f"review {n}" for n in range(200)]
    first, second = (
        [splitter.split_of(splits.digest(text, salt=salt)) for text in texts] for salt in ("a", "b")
    )
    assert first != second


def test_tfds_shares_out_its_train_reviews_to_train_and_eval():
    splitter = splits.splitter(DataSettings(source="tfds"))
    assert splitter.weights == (("train", 15_000), ("eval", 5_000))
