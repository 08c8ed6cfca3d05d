"""The canary checks of models of more than two classes."""

import pytest
import tensorflow as tf
from multiclass_model import NAMES, save_multiclass_model

from components.infra_validator.canaries import canaries
from components.infra_validator.checks import canary_results, checks
from components.infra_validator.process import Ended
from components.infra_validator.settings import InfraSettings
from serving.canary import Request, answer

SENT = canaries([b"ham spam spam", b"offer offer ham"])


def problems(folder, classes=NAMES, again=None):
    request = Request(model=str(folder), canaries=SENT, batch_size=32, alarm_seconds=1)
    records = []
    answer(request, lambda record: records.append(dict(record)))
    found = canary_results(Ended(records=tuple(records), why=None, log=""), request=request, again=again)
    return [
        problem for check in checks(found, InfraSettings(), classes=classes) for problem in check.problems
    ]


def first(text, row):
    return {
        "probabilities": tf.tile([row], [tf.size(text), 1]),
        "label": tf.fill(tf.shape(text), NAMES[0]),
    }


def test_a_sound_model_passes_every_check(multiclass_model):
    assert problems(multiclass_model) == []


@pytest.mark.parametrize(
    ("overrides", "problem"),
    [
        (
            {"serving_default": lambda text: first(text, [0.5, 0.3, 0.1])},
            "text 1 through serving_default has probabilities of the sum 0.9000, not 1",
        ),
        (
            {"serving_default": lambda text: first(text, [1.5, -0.25, -0.25])},
            "text 1 through serving_default has the probability 1.5, not one from 0 to 1",
        ),
        (
            {"serving_default": lambda text: first(text, [0.25, 0.5, 0.25])},
            "text 1 through serving_default is labeled 'ham' at probabilities 0.2500, 0.5000, 0.2500",
        ),
        (
            {"serving_default": lambda text: first(text, [0.5, 0.5])},
            "text 1 through serving_default does not give 3 probabilities and one label a text",
        ),
        (
            {"tf_example": lambda text: first(text, [0.8, 0.1, 0.1])},
            "a batch of 12 through tf_example gives text 1 the probabilities 0.8000, 0.1000, 0.1000, "
            "alone through serving_default they are ",
        ),
        (
            {"serving_default": lambda text: {"label": tf.identity(text)}},
            "serving_default gives label (string), not probabilities (float32) and label (string)",
        ),
        ({"classify": None}, "it has no signature classify, which gives the names of the classes"),
        (
            {
                "classify": lambda text: {
                    "classes": tf.tile([NAMES[::-1]], [tf.size(text), 1]),
                    "scores": tf.zeros([tf.size(text), 3]),
                }
            },
            "classify gives the classes offer, spam, ham, not ham, spam, offer",
        ),
    ],
)
def test_a_broken_model_is_told_what_is_wrong(tmp_path, overrides, problem):
    save_multiclass_model(tmp_path, **overrides)
    found = problems(tmp_path)
    assert any(one.startswith(problem) for one in found), found


def test_a_model_of_other_classes_than_the_data_is_refused(multiclass_model, small_model):
    of_two = "; ".join(problems(multiclass_model, classes=("ham", "spam")))
    assert "gives label (string), probabilities (float32), not probability (float32) and label" in of_two
    of_three = "; ".join(problems(small_model()))
    assert "gives label (string), probability (float32), not probabilities (float32) and label" in of_three
    four = problems(multiclass_model, classes=(*NAMES, "other"))
    assert "text 1 through serving_default does not give 4 probabilities and one label a text" in four
    assert "classify gives the classes ham, spam, offer, not ham, spam, offer, other" in four


def test_other_probabilities_after_a_second_load_are_a_problem(multiclass_model):
    again = {canary.name: (0.25, 0.5, 0.25) for canary in SENT}
    found = problems(multiclass_model, again=again)
    assert any("0.2500, 0.5000, 0.2500 after a second load in another one" in one for one in found), found
