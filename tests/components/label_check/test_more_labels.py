"""The label check with more than two labels."""

import random

from components.label_check.suspects import find_suspects

WORDS = (
    "market shares profit bank company price trade",
    "planet energy research cell theory computer atom",
    "match goal team season player coach league",
    "president war election border minister treaty vote",
)
COMMON = ["the", "of", "a", "in", "on", "this", "new", "first", "after", "said", "about", "many"]


def texts_of(count: int, *, labels: int = 4, seed: int = 1) -> tuple[list[str], list[int]]:
    pick = random.Random(seed)
    made = [number % labels for number in range(count)]
    return [
        " ".join(pick.choices(WORDS[label].split(), k=4) + pick.choices(COMMON, k=8)) for label in made
    ], made


def test_wrong_labels_are_found_whatever_the_other_label_is():
    texts, labels = texts_of(600)
    pick = random.Random(2)
    wrong = set(pick.sample(range(600), 40))
    given = [(label + pick.randint(1, 3)) % 4 if at in wrong else label for at, label in enumerate(labels)]
    found = find_suspects(texts, given)
    assert found.not_judged is None and found.examined == 600 and found.accuracy > 0.8
    suspected = {one.index for one in found.suspects}
    assert len(suspected & wrong) >= 30 and len(suspected - wrong) <= 8
    assert all(one.label == given[one.index] for one in found.suspects)


def test_right_labels_are_not_suspected():
    found = find_suspects(*texts_of(600))
    assert found.not_judged is None and found.share < 0.02


def test_a_label_of_few_texts_is_left_out():
    texts, labels = texts_of(450, labels=3)
    rare, _ = texts_of(80, seed=3)
    found = find_suspects([*texts, *rare[3::4]], [*labels, *[3] * 20])
    assert found.not_judged is None and found.given == 470 and found.examined == 450
    assert not any(one.index >= 450 for one in found.suspects)


def test_labels_that_the_texts_do_not_tell_are_not_judged():
    texts, _ = texts_of(600)
    pick = random.Random(4)
    found = find_suspects(texts, [pick.randrange(4) for _ in texts])
    assert "little more than by chance" in str(found.not_judged)


def test_too_few_labels_with_enough_texts_are_not_judged():
    texts, labels = texts_of(120)
    assert find_suspects(texts, labels).not_judged == "30 distinct texts of one label; 50 are needed"
