"""A promoted model that does worse than the one before it, on spans that came after it, is taken back."""

import pytest

from pipeline.retraining import observer
from serving.store.manifest import Facts
from serving.versions import VersionStore

VERSIONS = observer.live_and_previous


@pytest.fixture
def served(bench, monkeypatch):
    """A bench with a real store of two versions; the second is live."""

    def make(*assignments):
        one = bench(*assignments)
        store = VersionStore(one.paths.workspace.serving(one.settings.model_name))
        for number in (1, 2):
            model = one.folder / f"model-{number}"
            model.mkdir()
            (model / "saved_model.pb").write_text(f"model {number}")
            store.push(model, Facts(run_id=f"run {number}"))
        one.live = (2, 1)
        monkeypatch.setattr(observer, "live_and_previous", VERSIONS)
        return one, store

    return make


def worse(live_only, previous_only, rows=400):
    lack = (previous_only - live_only) / rows
    return {
        "rows": rows,
        "accuracy": 0.8,
        "previous_accuracy": 0.8 + lack,
        "live_only": live_only,
        "previous_only": previous_only,
    }


def test_it_is_rolled_back_with_the_reason_and_said(served):
    one, store = served()
    one.accuracy[1] = worse(5, 30)
    one.land(1)
    step = one.retrainer().step()
    assert (step.decision.kind, step.decision.version) == ("rollback", 2)
    why = (
        "on span 1, newer than its promotion, version 2 is 0.0625 less accurate than version 1 "
        "(retrain.rollback_margin = 0.01)"
    )
    assert step.decision.why == why
    assert store.live().number == 1
    assert store.history()[-1].why == why
    (alert,) = one.alerts()
    assert (alert["event"], alert["version"], alert["reasons"]) == ("rolled_back", "1", [why])
    assert any("imdb: version 2 was rolled back, version 1 is live" in line for line in one.said)


def test_a_difference_that_chance_explains_is_none(served):
    one, store = served()
    one.accuracy[1] = worse(20, 28)
    one.land(1)
    assert one.retrainer().step().decision.kind == "run"
    assert store.live().number == 2


def test_small_losses_on_several_spans_add_up(served):
    one, store = served("retrain.on_span=false")
    for number in (1, 2, 3):
        one.accuracy[number] = worse(10, 18)
        one.land(number)
    decision = one.retrainer().step().decision
    assert decision.kind == "rollback"
    assert decision.evidence["spans"] == [1, 2, 3]
    assert store.live().number == 1


def test_after_the_watch_is_over_it_stays(served):
    one, _ = served("retrain.on_span=false", "retrain.watch_spans=1")
    one.accuracy = {1: worse(10, 10), 2: worse(5, 60)}
    one.land(1)
    one.retrainer().step()
    one.land(2)
    assert one.retrainer().step().decision.kind == "nothing"


def test_it_can_be_switched_off(served):
    one, _ = served("retrain.auto_rollback=false")
    one.accuracy[1] = worse(5, 60)
    one.land(1)
    assert one.retrainer().step().decision.kind == "run"


def test_a_span_with_flipped_labels_is_no_evidence_against_the_better_model(served):
    one, store = served()
    one.accuracy[1] = worse(5, 60) | {"accuracy": 0.1, "previous_accuracy": 0.2375}
    one.land(1)
    retrainer = one.retrainer()
    assert [retrainer.step().decision.kind for _ in range(2)] == ["set-aside", "nothing"]
    assert store.live().number == 2


@pytest.fixture
def decided(served):
    """A rollback that was decided on and recorded before a crash."""
    from pipeline.retraining.policy.records import Decided

    one, store = served()
    one.accuracy[1] = worse(5, 30)
    one.land(1)
    crashed = one.retrainer()
    crashed._recover()
    crashed._record(Decided(decision=crashed._decide()))
    return one, store


def test_one_that_was_decided_on_before_a_crash_is_done_at_the_next_start_and_once(decided):
    one, store = decided
    assert one.retrainer().step().decision.kind == "rollback"
    assert store.live().number == 1
    assert one.retrainer().step().decision.kind == "run"
    assert [line["kind"] for line in one.journal()].count("rolled back") == 1


def test_one_that_was_done_before_a_crash_is_not_done_again(decided):
    one, store = decided
    store.rollback("by a person")
    one.retrainer().step()
    assert store.live().number == 1
    assert [event.why for event in store.history()][-1] == "by a person"
