"""What is wrong with a model, from its answers: asked in this process, which is faster."""

from collections.abc import Callable

import pytest
import tensorflow as tf

from components.infra_validator.canaries import canaries
from components.infra_validator.checks import canary_results, checks
from components.infra_validator.process import Ended
from components.infra_validator.settings import InfraSettings
from serving.canary import Request, answer

Ask = Callable[..., list[str]]
SENT = canaries([b"good good film"])


@pytest.fixture(scope="module")
def problems(export) -> Ask:
    """Exports, asks and checks; returns all problems. Records that `lost` is true of never arrive."""

    def ask(serve="serve", parse="parse", *, again=None, model=None, lost=None, **limits) -> list[str]:
        settings = InfraSettings(batch_size=64, **limits)
        folder = model or str(export(serve, parse) / "Format-Serving")
        request = Request(model=folder, canaries=SENT, batch_size=64, alarm_seconds=1)
        records = []
        answer(request, lambda record: records.append(dict(record)))
        kept = tuple(record for record in records if lost is None or not lost(record))
        ended = Ended(records=kept, why=None, log="")
        found = checks(canary_results(ended, request=request, again=again), settings)
        return [problem for check in found for problem in check.problems]

    return ask


def test_a_sound_model_passes_every_check(problems):
    assert problems() == []


@pytest.mark.parametrize(
    ("serve", "parse", "problem"),
    [
        ("serve", None, "it has no signature tf_example; there are: serving_default"),
        (None, "parse", "it has no signature serving_default; there are: tf_example"),
        ("serve_sentences", "parse", "serving_default takes sentences (string), not text (string)"),
        ("serve_scores", "parse", "serving_default gives score (float32), not probability (float32)"),
        (
            "serve_nan_for_empty",
            "parse",
            "the empty string through serving_default has the probability nan, not one from 0 to 1",
        ),
        ("serve_logits", "parse", "text 1 through serving_default has the probability 5.74442"),
        ("serve_swapped_labels", "parse", "text 1 through serving_default is labeled 'negative' at prob"),
        (
            "serve_columns",
            "parse",
            "text 1 through serving_default does not give one probability and one label a text",
        ),
        ("serve_no_empty_batch", "parse", "the empty batch through serving_default fails: "),
        (
            "serve_relative_to_the_batch",
            "parse",
            "a batch of 11 through serving_default gives text 1 the probability 0.0479, "
            "alone through serving_default it is 0.2872",
        ),
        (
            "serve",
            "parse_otherwise",
            "a batch of 11 through tf_example gives text 1 the probability 0.4256, "
            "alone through serving_default it is 0.5744",
        ),
    ],
)
def test_a_broken_model_is_told_what_is_wrong(problems, serve, parse, problem):
    assert any(found.startswith(problem) for found in problems(serve, parse)), problems(serve, parse)


def test_a_failure_is_told_in_one_line(problems):
    (failure,) = [found for found in problems("serve_no_empty_batch") if "fails" in found]

    assert "no examples at all" in failure
    assert "\n" not in failure


def test_no_model_at_all(problems, tmp_path):
    (problem,) = problems(model=str(tmp_path))

    assert problem.startswith("the model does not load: SavedModel file does not exist at:")


def test_a_model_without_any_signature(problems, tmp_path):
    tf.saved_model.save(tf.Module(), str(tmp_path))

    assert problems(model=str(tmp_path)) == [
        "it has no signature serving_default; there are: none",
        "it has no signature tf_example; there are: none",
    ]


def test_canaries_that_nobody_answered(problems):
    assert problems(lost=lambda record: record.get("canaries") == ["emoji"]) == [
        "emoji through serving_default has no answer"
    ]
    assert problems(lost=lambda record: record["step"] == "answer") == [
        "text 1 through serving_default has no answer, nor have 16 more of 17"
    ]
    assert problems(lost=lambda record: record["step"] in ("load", "answer")) == [
        "text 1 through serving_default has no answer, nor have 16 more of 17"
    ]


def test_a_call_that_fails_only_while_it_is_timed(problems):
    settings, request = InfraSettings(), Request(model="", canaries=(), batch_size=2, alarm_seconds=1)
    failed = {"step": "latency", "error": "no space left"}
    ended = Ended(records=({"step": "load", "error": "?"}, failed, {"step": "done"}), why=None, log="")

    latency = {
        check.name: check.problems for check in checks(canary_results(ended, request=request), settings)
    }
    assert latency["latency"] == ("a call that is timed fails: no space left",)


def test_another_answer_after_a_second_load(problems):
    again = {canary.name: 0.5744 for canary in SENT}

    assert (
        "emoji has the probability 0.5250 in a fresh process, 0.5744 after a second load in another one"
        in problems(again=again)
    )


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        ({"max_latency_ms": 0.001}, "ms, the limit is 0.001 (infra.max_latency_ms)"),
        ({"max_memory_mb": 1}, "MiB, the limit is 1 (infra.max_memory_mb)"),
    ],
)
def test_limits(problems, limits, problem):
    (found,) = problems(**limits)

    assert found.endswith(problem)


def test_a_difference_within_the_tolerance_is_none(problems):
    assert problems("serve", "parse_otherwise", tolerance=0.9) == []


def test_the_odd_canaries_are_what_their_names_say():
    texts = {canary.name: canary.text for canary in SENT}

    assert texts["the empty string"] == b""
    assert len(texts["100,000 characters"]) == 100_000
    with pytest.raises(UnicodeDecodeError):
        texts["invalid UTF-8"].decode()


def test_a_request_survives_its_json():
    request = Request(model="m", canaries=SENT, batch_size=3, alarm_seconds=9)

    assert Request.from_json(request.to_json()) == request
