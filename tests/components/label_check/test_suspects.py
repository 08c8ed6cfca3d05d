import random
from itertools import islice

import pytest

from components.data_check.limits import too_many
from components.data_check.settings import CheckSettings
from components.example_gen.sources.packaged import PackagedPart
from components.label_check import suspects
from components.label_check.suspects import LabelCheck, find_suspects


@pytest.fixture(scope="module")
def real() -> list[tuple[str, int]]:
    """1,200 packaged reviews, half of them positive."""
    packaged = list(PackagedPart().rows())
    mixed = random.Random(1)
    return [
        (review.text, label)
        for label in (0, 1)
        for review in mixed.sample([review for review in packaged if review.label == label], 600)
    ]


def flipped(reviews, share, seed=1) -> tuple[list[str], list[int], set[int]]:
    chosen = set(random.Random(seed).sample(range(len(reviews)), int(share * len(reviews))))
    labels = [1 - label if index in chosen else label for index, (_, label) in enumerate(reviews)]
    return [text for text, _ in reviews], labels, chosen


@pytest.mark.parametrize(
    ("share", "least", "most"), [(0, 0, 0.05), (0.05, 0.03, 0.09), (0.1, 0.06, 0.14), (0.2, 0.12, 0.24)]
)
def test_the_share_of_suspects_follows_that_of_wrong_labels(real, share, least, most):
    texts, labels, wrong = flipped(real, share)
    found = find_suspects(texts, labels)
    assert found.not_judged is None and found.examined == found.given == 1200
    assert least <= found.share <= most
    if share >= 0.1:
        first = found.suspects[:50]
        assert sum(one.index in wrong for one in first) >= 35
        hit = sum(one.index in wrong for one in found.suspects)
        assert hit >= 0.45 * len(wrong)
        assert hit >= 0.45 * len(found.suspects)
    assert [one.probability for one in found.suspects] == sorted(one.probability for one in found.suspects)


def test_right_labels_of_few_reviews_are_never_over_the_limit(real):
    """Some samples of 200 have more suspects than the limit allows, though every label is right."""
    found = [find_suspects(*zip(*random.Random(seed).sample(real, 200), strict=True)) for seed in range(8)]
    assert any(one.share_lower_bound > CheckSettings().max_suspect_share for one in found)
    assert not any(too_many(one, CheckSettings()) for one in found)
    assert "no limit is held against it below 700" in found[0].right_suspects
    texts, labels, _ = flipped(real, 0.2)
    assert too_many(find_suspects(texts, labels), CheckSettings())


def test_the_order_of_the_reviews_does_not_matter(real):
    texts, labels, _ = flipped(real[:700:2] + real[600:1200:2], 0.1)
    order = list(range(len(texts)))
    random.Random(5).shuffle(order)
    found = find_suspects(texts, labels)
    again = find_suspects([texts[at] for at in order], [labels[at] for at in order])
    assert {order[one.index] for one in again.suspects} == {one.index for one in found.suspects}
    assert again.share == found.share


def test_few_reviews_are_examined_beside_others(real):
    texts, labels = zip(*real[::12], strict=True)
    texts, labels, wrong = flipped(list(zip(texts, labels, strict=True)), 0.2)
    rest = [review for index, review in enumerate(real) if index % 12]
    reference = tuple(zip(*rest, strict=True))
    assert "50 are needed" in str(find_suspects(texts[:60], labels[:60]).not_judged)
    found = find_suspects(texts, labels, reference=reference)
    assert found.not_judged is None and found.examined == len(texts)
    assert sum(one.index in wrong for one in found.suspects) >= 0.5 * len(wrong)
    assert all(one.index < len(texts) for one in found.suspects)


def test_a_review_does_not_vouch_for_its_own_copies(real):
    """Fifteen copies of a wrong label: none of them may stand in what the others are judged by."""
    texts, labels, wrong = flipped(real, 0.1)
    first = find_suspects(texts, labels).suspects[0]
    assert first.index in wrong
    found = find_suspects([*texts, *[texts[first.index]] * 14], [*labels, *[first.label] * 14])
    assert {first.index, *range(1200, 1214)} <= {one.index for one in found.suspects}


def test_copies_that_contradict_each_other_are_suspected_on_one_side(real):
    texts, labels = (list(column) for column in zip(*real, strict=True))
    found = find_suspects([*texts, texts[3].upper()], [*labels, 1 - labels[3]])
    assert found.contradictions == 2
    assert len({3, 1200} & {one.index for one in found.suspects}) == 1


def test_labels_that_the_texts_do_not_tell_are_not_judged(real):
    texts = [text for text, _ in real]
    mixed = random.Random(3)
    found = find_suspects(texts, [mixed.randint(0, 1) for _ in texts])
    assert found.not_judged is not None and "little more than by chance" in found.not_judged
    assert found.suspects == ()
    found = find_suspects([f"... {'!' * index}" for index in range(200)], [0, 1] * 100)
    assert found.not_judged is not None


@pytest.mark.parametrize("labels", [[], [1] * 300, [1] * 280 + [0] * 20])
def test_without_enough_of_both_labels_nothing_is_said(real, labels):
    texts = [text for text, _ in islice(real, len(labels))]
    found = find_suspects(texts, labels)
    assert "distinct texts of one label; 50 are needed" in str(found.not_judged)
    assert found.share == 0 and found.suspects == ()


def test_of_many_a_sample_is_examined(real):
    texts, labels, _ = flipped(real, 0.1)
    found = find_suspects(texts, labels, most=500)
    assert (found.given, found.examined) == (1200, 500)
    assert suspects.MOST == 10_000


def test_what_utf8_cannot_carry_is_examined_too(real):
    texts, labels, _ = flipped(real, 0)
    assert find_suspects(["\udcff", *texts], [1, *labels]).examined == 1201


def test_texts_and_labels_belong_together():
    with pytest.raises(ValueError, match="1 texts and 2 labels"):
        find_suspects(["fine"], [0, 1])


def test_the_lower_end_of_the_share_is_held_against_a_limit():
    few = LabelCheck(100, 100, tuple(suspects.Suspect(index, 1, 0.1) for index in range(10)))
    many = LabelCheck(10_000, 10_000, tuple(suspects.Suspect(index, 1, 0.1) for index in range(1000)))
    assert few.share == many.share == 0.1
    # By statsmodels: proportion_confint(10, 100, alpha=0.1, method="wilson")[0], and of 1,000 of 10,000.
    assert few.share_lower_bound == pytest.approx(0.06066, abs=1e-4)
    assert many.share_lower_bound == pytest.approx(0.09517, abs=1e-4)
    assert LabelCheck(0, 0).share_lower_bound == 0
