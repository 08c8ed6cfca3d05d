import numpy as np
import pytest

from components.evaluator.judgment import intervals, metrics


def right_and_wrong(right: int, wrong: int) -> dict[str, np.ndarray]:
    """Reviews that are all positive, of which `right` score above one half."""
    return {
        "label": np.ones(right + wrong, np.int8),
        "probability": np.repeat([0.9, 0.1], [right, wrong]).astype(np.float32),
    }


@pytest.fixture(scope="module")
def noisy() -> dict[str, np.ndarray]:
    random = np.random.default_rng(5)
    label = random.integers(0, 2, 300).astype(np.int8)
    return {
        "label": label,
        "probability": np.clip(0.3 * label + random.random(300) * 0.7, 0, 1).astype(np.float32),
        "baseline": np.clip(0.2 * label + random.random(300) * 0.8, 0, 1).astype(np.float32),
    }


def test_accuracy_has_the_wilson_interval_of_the_textbook():
    # Newcombe (1998), Statistics in Medicine 17, table I: 81 of 263, and 15 of 148.
    assert intervals.interval("accuracy", **right_and_wrong(81, 182), confidence=0.95) == pytest.approx(
        (0.2553, 0.3662), abs=5e-5
    )
    assert intervals.interval("accuracy", **right_and_wrong(15, 133), confidence=0.95) == pytest.approx(
        (0.0624, 0.1605), abs=5e-5
    )


def test_precision_and_recall_have_their_own_denominators():
    # 8 of 20 positive reviews found, 2 of 10 positive answers wrong: Wilson of 8 in 20 and of 8 in 10.
    about = {
        "label": np.repeat([1, 0], [20, 80]).astype(np.int8),
        "probability": np.repeat([0.9, 0.1, 0.9, 0.1], [8, 12, 2, 78]),
        "confidence": 0.95,
    }
    assert intervals.interval("recall", **about) == pytest.approx((0.2188, 0.6134), abs=5e-5)
    assert intervals.interval("precision", **about) == pytest.approx((0.4902, 0.9433), abs=5e-5)


@pytest.mark.parametrize("answer", [0.9, 0.1])
@pytest.mark.parametrize("positives", [1, 8, 60, 112, 119])
def test_a_constant_answer_has_a_balanced_accuracy_of_one_half_and_room_below(answer, positives):
    about = {
        "label": np.repeat([1, 0], [positives, 120 - positives]).astype(np.int8),
        "probability": np.full(120, answer),
    }
    assert metrics.balanced_accuracy(**about) == 0.5
    low, high = intervals.interval("balanced_accuracy", **about, confidence=0.95)
    assert low < 0.499 and high > 0.501


def copies(times: int) -> dict[str, np.ndarray]:
    """60 texts, 50 of which are right, each several times."""
    return {
        "label": np.tile(np.arange(60) % 2, times).astype(np.int8),
        "probability": np.tile(np.where((np.arange(60) < 50) == (np.arange(60) % 2 == 1), 0.9, 0.1), times),
    }


@pytest.mark.parametrize("metric", ["accuracy", "recall", "balanced_accuracy", "loss", "auc", "ece"])
def test_copies_of_a_text_make_nothing_more_certain(metric):
    texts = np.tile(np.arange(60), 15)
    once = intervals.interval(metric, **copies(1), confidence=0.95)
    often = intervals.interval(metric, **copies(15), texts=texts, confidence=0.95)
    taken_apart = intervals.interval(metric, **copies(15), confidence=0.95)
    assert often == pytest.approx(once, abs=0.02)
    assert taken_apart[1] - taken_apart[0] < 0.5 * (often[1] - often[0])


@pytest.mark.parametrize("metric", ["accuracy", "auc"])
def test_copies_make_no_change_more_certain(metric):
    baseline = np.where(np.arange(60) % 7 == 0, 0.5, copies(1)["probability"])
    once = intervals.change_interval(metric, **copies(1), baseline=baseline, confidence=0.95)
    often = intervals.change_interval(
        metric, **copies(9), baseline=np.tile(baseline, 9), texts=np.tile(np.arange(60), 9), confidence=0.95
    )
    assert often == pytest.approx(once, abs=0.02)


def test_mcnemar_counts_texts():
    about = copies(1) | {"baseline": np.where(np.arange(60) < 9, 0.5, copies(1)["probability"])}
    often = {name: np.tile(values, 5) for name, values in about.items()}
    assert intervals.mcnemar_p_value(**often, texts=np.tile(np.arange(60), 5)) == pytest.approx(
        intervals.mcnemar_p_value(**about)
    )
    assert intervals.mcnemar_p_value(**often) < intervals.mcnemar_p_value(**about)


def test_all_right_is_not_certainty():
    low, high = intervals.interval("accuracy", **right_and_wrong(29, 0), confidence=0.95)

    assert (round(low, 4), high) == (0.8830, 1.0)


def test_a_bootstrapped_mean_is_near_the_normal_approximation(noisy):
    label, probability = noisy["label"], noisy["probability"]
    losses = metrics.losses(label, probability)
    error = 1.96 * losses.std() / np.sqrt(len(losses))

    low, high = intervals.interval("loss", label=label, probability=probability, confidence=0.95)

    assert low == pytest.approx(losses.mean() - error, abs=0.2 * error)
    assert high == pytest.approx(losses.mean() + error, abs=0.2 * error)


@pytest.mark.parametrize(
    "metric", ["accuracy", "balanced_accuracy", "precision", "recall", "auc", "loss", "ece", "calibration"]
)
def test_more_confidence_widens_an_interval_around_the_value(metric, noisy):
    about = {"label": noisy["label"], "probability": noisy["probability"]}
    value = metrics.METRICS[metric](**about)

    narrow = intervals.interval(metric, **about, confidence=0.8)
    wide = intervals.interval(metric, **about, confidence=0.99)

    assert wide[0] < narrow[0] <= value <= narrow[1] < wide[1]


@pytest.mark.parametrize("metric", ["accuracy", "auc", "loss"])
def test_a_change_lies_in_its_paired_interval(metric, noisy):
    change = metrics.METRICS[metric](noisy["label"], noisy["probability"]) - metrics.METRICS[metric](
        noisy["label"], noisy["baseline"]
    )

    low, high = intervals.change_interval(metric, **noisy, confidence=0.95)

    assert low < change < high


def test_pairing_makes_a_small_steady_gain_visible():
    # The candidate rights 12 of 1,000 reviews and spoils none; each accuracy alone is uncertain by 2 points.
    label = np.ones(1000, np.int8)
    baseline = np.repeat([0.9, 0.1], [850, 150]).astype(np.float32)
    probability = np.repeat([0.9, 0.1], [862, 138]).astype(np.float32)

    low, high = intervals.change_interval(
        "accuracy", label=label, probability=probability, baseline=baseline, confidence=0.95
    )

    assert 0.004 < low < 0.012 < high < 0.022


@pytest.mark.parametrize(("lost", "holds"), [(5, True), (6, False)])
@pytest.mark.parametrize("loses", ["probability", "baseline"])
def test_the_interval_of_a_change_of_accuracy_agrees_with_the_exact_test(lost, holds, loses):
    """Of 60 reviews one model alone has 5 or 6 right: McNemar's p is 0.0625 or 0.03125."""
    answers = {"probability": np.full(60, 0.9), "baseline": np.full(60, 0.9)}
    answers[loses][:lost] = 0.1

    low, high = intervals.change_interval("accuracy", label=np.ones(60, np.int8), **answers, confidence=0.95)

    assert (low <= 0 <= high) is holds


def test_a_model_does_not_differ_from_itself(noisy):
    same = noisy | {"baseline": noisy["probability"]}

    assert intervals.change_interval("accuracy", **same, confidence=0.95) == (0, 0)
    assert intervals.mcnemar_p_value(**same) == 1


def test_mcnemar_is_the_exact_binomial_test():
    label = np.ones(10, np.int8)
    probability = np.repeat([0.9, 0.1], [9, 1])
    baseline = np.repeat([0.1, 0.9], [9, 1])

    # Nine against one: 2 * (1 + 10) / 2 ** 10.
    assert intervals.mcnemar_p_value(
        label=label, probability=probability, baseline=baseline
    ) == pytest.approx(22 / 1024)


def test_intervals_are_the_same_in_every_run(noisy):
    assert intervals.change_interval("auc", **noisy, confidence=0.9) == intervals.change_interval(
        "auc", **noisy, confidence=0.9
    )


@pytest.mark.parametrize(
    ("metric", "label", "probability"),
    [
        ("example_count", [1, 0], [0.9, 0.1]),
        ("loss", [1], [0.9]),
        ("auc", [1, 1], [0.2, 0.9]),
        ("loss", [], []),
    ],
)
def test_there_is_not_always_an_interval(metric, label, probability):
    found = intervals.interval(
        metric, label=np.array(label), probability=np.array(probability), confidence=0.95
    )

    assert found is None


def answers(*, hits: tuple[int, int], misses: tuple[int, int]) -> dict[str, np.ndarray]:
    """Positive and negative reviews, of which so many are answered positive, and so many negative."""
    sizes = [hits[0], misses[0], hits[1], misses[1]]
    return {
        "label": np.repeat([1, 1, 0, 0], sizes).astype(np.int8),
        "probability": np.repeat([0.9, 0.1, 0.9, 0.1], sizes),
    }


def test_balanced_accuracy_has_the_interval_of_agresti_and_caffo():
    """By hand, 15 of 20 against 6 of 30: 16/22 - 7/32 = 0.5085, plus and minus 1.96 * 0.1198."""
    found = intervals.interval("balanced_accuracy", **answers(hits=(15, 6), misses=(5, 24)), confidence=0.95)
    assert found == pytest.approx(((1 + 0.27368) / 2, (1 + 0.74336) / 2), abs=5e-5)


def test_the_interval_of_balanced_accuracy_stays_within_0_and_1():
    """6/7 - 1/7 = 0.7143, plus and minus 1.96 * 0.1870: beyond 1, and 0 the other way round."""
    right = intervals.interval("balanced_accuracy", **answers(hits=(5, 0), misses=(0, 5)), confidence=0.95)
    wrong = intervals.interval("balanced_accuracy", **answers(hits=(0, 5), misses=(5, 0)), confidence=0.95)
    assert right == pytest.approx((0.6738, 1.0), abs=5e-5)
    assert wrong == pytest.approx((0.0, 0.3262), abs=5e-5)


@pytest.mark.parametrize("metric", ["loss", "auc"])
def test_two_examples_are_enough_for_an_interval(metric):
    about = {"label": np.array([0, 1]), "probability": np.array([0.4, 0.9])}
    if metric == "auc":  # a resample of one class has none
        assert intervals.interval(metric, **about, confidence=0.95) is None
    else:
        low, high = intervals.interval(metric, **about, confidence=0.95)
        assert (low, high) == pytest.approx((-np.log(0.9), -np.log(0.6)))


def test_a_change_of_loss_is_paired_and_of_the_candidate_less_the_baseline():
    """Each review is answered better by the same amount: there is nothing uncertain about the change."""
    label = np.array([1, 0, 1, 1])
    ours, theirs = np.where(label == 1, 0.8, 0.2), np.where(label == 1, 0.4, 0.6)
    found = intervals.change_interval("loss", label=label, probability=ours, baseline=theirs, confidence=0.95)
    assert found == pytest.approx((-np.log(2), -np.log(2)))


def test_a_change_of_auc_is_of_the_candidate_less_the_baseline():
    label = np.tile([0, 1], 50)
    better, worse = np.where(label == 1, 0.9, 0.1), np.where(label == 1, 0.1, 0.9)
    about = {"label": label, "confidence": 0.95}
    assert intervals.change_interval("auc", probability=better, baseline=worse, **about) == (1, 1)
    assert intervals.change_interval("auc", probability=worse, baseline=better, **about) == (-1, -1)


def test_disagreements_are_counted_by_text_and_by_who_is_right():
    label = np.ones(7, int)
    ours = np.array([0.9, 0.9, 0.1, 0.9, 0.1, 0.1, 0.5])
    theirs = np.array([0.1, 0.1, 0.9, 0.9, 0.1, 0.9, 0.5])
    about = {"label": label, "probability": ours, "baseline": theirs}
    assert intervals.discordant(**about) == (2, 2)
    # Of the first text ours is right twice and theirs once; of the second theirs alone.
    assert intervals.discordant(**about, texts=np.array([1, 1, 1, 2, 2, 2, 3])) == (1, 1)
    assert intervals.discordant(**about, texts=np.array([1, 2, 1, 2, 2, 2, 2])) == (0, 0)


def test_an_interval_of_little_confidence_is_widened_to_hold_the_value():
    """50/52 plus 0.6745 * 0.0269, and half of it plus one half: 0.9899, short of the value of 1."""
    right = answers(hits=(50, 0), misses=(0, 50))
    low, high = intervals.interval("balanced_accuracy", **right, confidence=0.5)
    assert (low, high) == (pytest.approx(0.9717, abs=1e-4), 1.0)
    low, high = intervals.interval(
        "balanced_accuracy", **answers(hits=(0, 50), misses=(50, 0)), confidence=0.5
    )
    assert (low, high) == (0.0, pytest.approx(1 - 0.9717, abs=1e-4))
