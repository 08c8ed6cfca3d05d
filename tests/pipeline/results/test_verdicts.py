"""What a run came to, by what its stages left and what is live when it ends."""

import json

import pytest

from pipeline.lineage.runs import Artifact, Run, Stage
from pipeline.results.verdicts import judge_run
from serving.store.records import Version

FACTS = {"version": "2", "model_path": "/w/serving/imdb_sentiment/2", "run": "20261122-101500.000001"}


@pytest.fixture
def judge(tmp_path):
    """Judges a run whose model met the gate; `pushed` is what the Pusher recorded."""
    (tmp_path / "verdict.json").write_text(json.dumps({"verdict": "promoted", "conditions": []}))

    def stage(name, key, properties, state="complete"):
        artifact = Artifact(1, "Any", str(tmp_path), properties)
        return Stage(name, state, 1, 0, 0, inputs={}, outputs={key: (artifact,)})

    def run(pushed, *, live, state="complete", history=None):
        stages = (stage("Evaluator", "evaluation", {}), stage("Pusher", "pushed_model", pushed, state))
        if history is not None:
            (tmp_path / "history.json").write_text(json.dumps(history))
            stages = (stage("Trainer", "model_run", {}), *stages)
        return judge_run(Run("20261122-101500.000001", stages), live=live, facts=FACTS)

    return run


def version(digest):
    return Version(number=2, state="live", path="/w/2", digest=digest, manifest=None)


def pushed(outcome="pushed", digest="ours"):
    return {"outcome": outcome, "pushed": 1, "model_digest": digest}


@pytest.mark.parametrize(
    ("outcome", "state", "verdict"),
    [
        ("pushed", "complete", "promoted"),
        ("pushed", "cached", "unchanged"),
        ("unchanged", "complete", "unchanged"),
    ],
)
def test_a_model_that_is_live_was_promoted_now_or_before(judge, outcome, state, verdict):
    result = judge(pushed(outcome), live=version("ours"), state=state)
    assert (result.verdict, result.reasons, result.exit_code) == (verdict, (), 0)


@pytest.mark.parametrize("state", ["complete", "cached"])
@pytest.mark.parametrize(
    ("live", "what"),
    [
        (version("another"), "version 2 is live, which is another model"),
        (version(None), "version 2 is live, which is another model"),
        (None, "no version is seen live"),
    ],
)
def test_no_model_is_called_live_while_it_is_not(judge, state, live, what):
    result = judge(pushed(), live=live, state=state)
    assert (result.verdict, result.exit_code) == ("refused", 3)
    assert result.reasons == (f"the gate let this run's model pass, but {what}. Run again.",)


def test_a_push_without_a_digest_shows_no_live_model(judge):
    assert judge({"outcome": "pushed", "pushed": 1}, live=version(None)).verdict == "refused"


def test_a_rejected_push_gives_the_stores_reason(judge):
    result = judge(pushed("rejected") | {"reason": "was rolled back as version 1"}, live=version("another"))
    assert (result.verdict, result.reasons) == ("refused", ("was rolled back as version 1",))


@pytest.mark.parametrize(
    ("history", "refit"),
    [
        ({"epochs": [{}, {}]}, None),
        ({"not_refit": "the gate judges on eval"}, {"why_not": "the gate judges on eval"}),
        (
            {"refit": {"reviews": 600, "epochs": 2}, "calibration": {"scale": 2.0, "offset": 0.1}},
            {
                "reviews": 600,
                "examples": 600,
                "epochs": 2,
                "calibrated_on": "eval, as the first fit predicts it",
            },
        ),
        (
            {
                "refit": {"reviews": 400, "epochs": 2, "parts": 4},
                "calibration": {"scale": 2.0, "offset": 0.1},
            },
            {
                "reviews": 400,
                "examples": 400,
                "epochs": 2,
                "calibrated_on": "4 held-out parts of train and eval",
            },
        ),
        (
            {"refit": {"reviews": 600, "epochs": 2}, "calibration": None},
            {"reviews": 600, "examples": 600, "epochs": 2, "calibrated_on": None},
        ),
    ],
)
def test_the_result_says_whether_the_model_was_refit(judge, history, refit):
    assert judge(pushed(), live=version("ours"), history=history).refit == refit
