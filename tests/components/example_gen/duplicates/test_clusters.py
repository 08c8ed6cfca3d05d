import random

import pytest

from components.example_gen.duplicates.clusters import all_candidates, clusters
from components.example_gen.duplicates.sketches import FEWEST_WORDS, matrix, sketch
from components.reviews import canonical


def clusters_of(sketches: list[bytes]) -> list[list[int]]:
    return clusters(sketches, all_candidates(sketches))


@pytest.fixture(scope="module")
def texts(real_reviews) -> list[str]:
    return [canonical(review.text) for review in real_reviews if len(review.text.split()) > 60]


def edited(text: str, edits: int, seed: int = 1) -> str:
    words, chance = text.split(), random.Random(seed)
    for at in chance.sample(range(len(words)), edits):
        words[at] = f"word{at}"
    return " ".join(words)


def test_different_reviews_are_no_near_duplicates(texts):
    found = clusters_of([sketch(text) for text in texts])
    # Two were posted twice, such as the one of "Stanley & Iris", also of "Stanley and Iris".
    assert sorted(len(cluster) for cluster in found) == [2, 2]


def test_a_review_with_few_other_words_is_a_near_duplicate(texts):
    pairs = [(text, edited(text, max(1, len(text.split()) // 50))) for text in texts[:100]]
    found = clusters_of([sketch(text) for pair in pairs for text in pair])
    assert all(one // 2 == other // 2 for one, other in found)
    assert len(found) >= 97


def test_a_review_of_which_a_third_was_rewritten_is_another_one(texts):
    pairs = [(text, edited(text, len(text.split()) // 3)) for text in texts[:100]]
    assert clusters_of([sketch(text) for pair in pairs for text in pair]) == []


def test_near_duplicates_of_a_near_duplicate_are_in_one_cluster(texts):
    chain = [max(texts, key=len)]
    for step in range(4):
        chain.append(edited(chain[-1], 4, seed=step))
    assert clusters_of([sketch(text) for text in [*texts[:50], *chain]])[-1][-5:] == [50, 51, 52, 53, 54]


def test_texts_in_another_order_are_in_the_same_clusters(texts):
    given = [version for text in texts[:60] for version in (text, edited(text, 1))]
    order = random.Random(2).sample(range(len(given)), len(given))
    found = {frozenset(cluster) for cluster in clusters_of([sketch(text) for text in given])}
    again = clusters_of([sketch(given[at]) for at in order])
    assert {frozenset(order[at] for at in cluster) for cluster in again} == found


def test_short_texts_have_no_sketch():
    words = ["w"] * (FEWEST_WORDS - 1)
    assert sketch(" ".join(words)) == b"" == sketch("")
    assert len(sketch(" ".join([*words, "w"]))) == 256
    assert clusters_of([b"", b"", sketch("a b c d e f g h i j")]) == []


def test_a_sketch_is_the_same_in_every_process():
    """It decides splits, so it may not depend on a seed of Python's or on a version of the library."""
    found = matrix([sketch("one two three four five six seven eight nine ten")])
    assert found[0, :4].tolist() == [450938545, 628564967, 385525997, 478825987]


def test_a_thousand_near_duplicates_are_one_cluster():
    filler = " ".join(f"filler{at}" for at in range(100))
    (cluster,) = clusters_of([sketch(f"{filler} number {at}") for at in range(1000)])
    assert len(cluster) == 1000
