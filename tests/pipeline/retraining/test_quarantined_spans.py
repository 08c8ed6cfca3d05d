"""Spans that later runs leave out: why, until when, and who brings them back; with real processes as runs."""

import os

import pytest

from pipeline.retraining.journal import Journal
from pipeline.retraining.notifier import history_line


def test_flipped_labels_are_quarantined_reported_and_read_by_no_later_run(bench):
    one = bench()
    one.live = (4, 3)
    one.accuracy[2] = {"accuracy": 0.12}
    for number in (1, 2, 3):
        one.land(number)
    retrainer = one.retrainer()
    kinds = [retrainer.step().decision.kind for _ in range(4)]
    assert kinds == ["run", "set-aside", "run", "nothing"]
    assert one.run_settings.data.without_spans == (2,)
    stopped = next(alert for alert in one.alerts() if alert["event"] == "stopped")
    assert stopped["title"] == "imdb: span 2 is quarantined, nothing was trained on it"
    assert stopped["version"] == "4"
    assert "agrees with 12.0% of the 400 labels of span 2" in stopped["reasons"][0]


def test_a_span_that_cannot_be_read_is_quarantined_with_the_reason(bench):
    one = bench()
    one.land(1)
    one.accuracy[1] = {"problem": "reviews.csv has no column 'label'"}
    step = one.retrainer().step()
    assert (step.decision.kind, step.decision.why) == ("set-aside", "reviews.csv has no column 'label'")
    assert one.started() == []


def test_a_released_span_is_run_after_all(bench):
    from pipeline.retraining.release import release

    one = bench()
    one.live = (4, 3)
    one.land(1)
    one.accuracy[1] = {"accuracy": 0.12}
    watcher = one.retrainer()
    assert watcher.step().decision.kind == "set-aside"
    release(one.paths, 1, who="me@here", why="the scale was turned round", now=one.now())
    assert watcher.step().decision.kind == "run"


def test_a_span_that_the_data_check_stopped_on_is_left_out_of_later_runs(bench):
    one = bench()
    one.plan = {"verdict": "stopped", "reasons": ["train: one class"], "code": 4}
    one.land(1)
    retrainer = one.retrainer()
    assert retrainer.step().ended.exit_code == 4
    one.plan = {"verdict": "refused"}
    one.land(2)
    assert retrainer.step().decision.why == "span 2 is new"
    assert one.run_settings.data.without_spans == (1,)


def test_a_span_that_was_too_few_is_read_again_with_the_next_one(bench):
    one = bench()
    one.plan = {
        "verdict": "stopped",
        "error_kind": "TooFewReviews",
        "reasons": ["whatever it says"],
        "code": 4,
    }
    one.land(1)
    retrainer = one.retrainer()
    ended = retrainer.step().ended
    assert (ended.exit_code, ended.set_aside) == (4, ())
    one.land(2)
    assert retrainer.step().decision.why == "span 2 is new"
    assert (one.run_settings.data.span, one.run_settings.data.without_spans) == (2, ())


LOSS = {"metric": "accuracy", "slice": "overall", "kind": "change", "value": -0.03, "passed": False}
NO_COMPARISON = LOSS | {"value": None}
SMALL_GAIN = LOSS | {"value": 0.005, "threshold": 0.01}
LOWER_LOSS = LOSS | {"metric": "loss", "kind": "change_ceiling", "value": -0.01, "threshold": -0.02}
HIGHER_LOSS = LOWER_LOSS | {"value": 0.03}
FLOOR = {"metric": "accuracy", "slice": "overall", "kind": "floor", "value": 0.8, "passed": False}


def test_a_span_whose_run_the_gate_refused_for_a_loss_does_not_come_back_silently(bench):
    one = bench("retrain.refused_trials=0")
    one.live = (1, None)
    one.plan = {"verdict": "refused", "gate": [LOSS], "reasons": ["accuracy is 0.03 lower"], "code": 3}
    for number in (1, 2):
        one.land(number)
    retrainer = one.retrainer()
    ended = [retrainer.step().ended for _ in range(2)]
    assert [(each.set_aside, each.refused) for each in ended] == [((1,), (1,)), ((2,), (2,))]
    assert "span 2 is quarantined, since the gate refused its run for a loss" in one.said[-1]
    assert "retrain --release 2" in one.alerts()[-1]["reasons"][-1]

    one.plan = {"verdict": "promoted", "version": "2"}
    one.land(3)
    decision = one.retrainer().step().decision
    assert decision.why == "span 3 is new; without spans 1, 2, which the gate refused for a loss"
    assert (decision.without, decision.refused) == ((1, 2), (1, 2))
    assert one.run_settings.data.without_spans == (1, 2)
    history = [history_line(record) for record in Journal(one.paths.journal).records()]
    assert any("span 1 is quarantined, since the gate refused" in line for line in history)
    one.live = (2, 1)
    assert one.retrainer().step().decision.kind == "nothing"


@pytest.mark.parametrize("gate", [[NO_COMPARISON], [FLOOR], [], [SMALL_GAIN], [LOWER_LOSS]])
def test_a_refusal_for_another_reason_than_a_loss_says_nothing_of_the_span(bench, gate):
    one = bench()
    one.plan = {"verdict": "refused", "gate": gate, "code": 3}
    one.land(1)
    retrainer = one.retrainer()
    assert retrainer.step().ended.set_aside == ()
    one.land(2)
    decision = retrainer.step().decision
    assert one.run_settings.data.without_spans == ()
    assert decision.why == "span 2 is new; with span 1, whose own run the gate refused, though not for a loss"


@pytest.mark.parametrize(
    ("before", "change", "quarantined"),
    [(0.849, -0.017, ()), (0.85, -0.017, (2,)), (0.84, 0.009, ()), (0.84, 0.01, (2,)), (0.84, None, ())],
)
def test_a_span_without_which_the_floor_would_be_kept_is_quarantined(bench, before, change, quarantined):
    """Wrong labels of one span lower the accuracy on all reviews; the next spans' runs would fail, too."""
    one = bench("retrain.refused_trials=0")
    one.land(1)
    one.retrainer().step()
    floor = FLOOR | {"threshold": 0.85}
    others = LOSS | {"slice": "span:not 2", "value": change, "baseline": before, "passed": True}
    one.plan = {"verdict": "refused", "gate": [floor, others], "code": 3}
    one.land(2)
    assert one.retrainer().step().ended.refused == quarantined
    one.land(3)
    one.retrainer().step()
    assert one.run_settings.data.without_spans == quarantined


def test_a_higher_binary_cross_entropy_is_a_loss(bench):
    one = bench()
    one.plan = {"verdict": "refused", "gate": [HIGHER_LOSS], "code": 3}
    one.land(1)
    assert one.retrainer().step().ended.refused == (1,)


def test_a_person_releases_a_span_that_the_gate_refused(bench):
    from pipeline.retraining.release import release

    one = bench()
    one.live = (1, None)
    one.plan = {"verdict": "refused", "gate": [LOSS], "code": 3}
    one.land(1)
    retrainer = one.retrainer()
    retrainer.step()
    release(one.paths, 1, who="me@here", why="the labels were looked at", now=one.now())
    one.plan = {"verdict": "promoted"}
    decision = retrainer.step().decision
    assert (decision.kind, decision.newest, decision.without) == ("run", 1, ())


@pytest.mark.parametrize(("gate", "comes_back"), [([LOSS], False), ([FLOOR], True)])
def test_a_refused_span_is_tried_again_apart_after_another_promotion(bench, gate, comes_back):
    one = bench()
    one.live = (1, None)
    one.plan = {"verdict": "refused", "gate": [LOSS], "code": 3}
    one.land(1)
    retrainer = one.retrainer()
    retrainer.step()
    assert retrainer.step().decision.kind == "nothing"  # nothing has come since
    one.plan = {"verdict": "promoted", "version": "2"}
    one.land(2)
    retrainer.step()
    one.live, one.plan = (2, 1), {"verdict": "refused", "gate": gate, "version": "2", "code": 3}

    trial = retrainer.step()
    assert (trial.decision.trigger, trial.decision.newest, trial.decision.without) == ("trial", 2, ())
    assert trial.decision.why.startswith("span 1, which the gate refused for a loss, is tried again")
    assert trial.ended.refused == (() if comes_back else (1,))
    one.live = (3, 2)
    assert retrainer.step().decision.kind == "nothing"  # as often as the setting says
    one.land(3)
    retrainer.step()
    assert one.run_settings.data.without_spans == (() if comes_back else (1,))


def test_a_span_that_not_even_its_own_model_knows_is_left_out_of_later_runs_and_another_is_not(bench):
    one = bench()
    failed = {"slice": "span:1", "kind": "floor", "passed": False}
    one.plan = {"verdict": "refused", "reasons": ["or their labels are wrong"], "gate": [failed]}
    one.land(1)
    retrainer = one.retrainer()
    assert retrainer.step().ended.set_aside == (1,)
    assert one.said[-1].endswith("or their labels are wrong; span 1 is quarantined")
    one.plan = {"verdict": "refused", "gate": [failed | {"slice": "span:2", "kind": "examples"}]}
    one.land(2)
    retrainer.step()
    one.land(3)
    retrainer.step()
    assert one.run_settings.data.without_spans == (1,)


def test_the_name_of_a_file_need_not_be_utf_8(bench):
    one = bench("retrain.settle_seconds=0")
    one.land(1)
    (file,) = (one.folder / "spans" / "span-1").iterdir()
    odd = os.path.join(os.path.dirname(os.fsencode(file)), b"caf\xe9.csv")
    os.rename(file, odd)
    one.accuracy[1] = {"problem": f"{os.fsdecode(odd)} has no column 'label'"}
    assert one.retrainer().step().decision.kind == "set-aside"
    assert (
        one.journal()[-1]["decision"]["why"] == one.alerts()[-1]["reasons"][0] == one.accuracy[1]["problem"]
    )


def test_a_release_during_a_run_is_seen_after_it(bench, monkeypatch):
    from pipeline.retraining import attempts
    from pipeline.retraining.release import release

    one = bench()
    one.live = (4, 3)
    one.plan = {"verdict": "promoted"}
    one.land(1)
    one.accuracy[1] = {"accuracy": 0.12}
    watcher, finish = one.retrainer(), attempts.finish
    assert watcher.step().decision.kind == "set-aside"

    def meanwhile(*given, **options):
        release(one.paths, 1, who="me@here", why="the labels are right", now=one.now())
        return finish(*given, **options)

    monkeypatch.setattr(attempts, "finish", meanwhile)
    one.land(2)
    assert watcher.step().decision.kind == "run"
    monkeypatch.setattr(attempts, "finish", finish)
    one.later(hours=30)
    assert watcher.step().decision.kind == "run"
