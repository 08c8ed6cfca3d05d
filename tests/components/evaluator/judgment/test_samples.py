"""Which reviews a condition is judged on: slices, and what the models have not seen."""

import numpy as np
import pytest

from components.evaluator.judgment.samples import Exposure, Sample, all_but, of_span, part, slices
from components.evaluator.predictions import Predictions

SHORT, LONG = "under 125 words", "280 words or more"


def predictions(**more) -> Predictions:
    return Predictions(
        text=np.array(list("abcdef"), object),
        label=np.array([0, 1, 0, 1, 0, 1], np.int8),
        length=np.array([SHORT, LONG, SHORT, SHORT, LONG, SHORT], object),
        probability=np.full(6, 0.5, np.float32),
        **more,
    )


IN_SPANS = predictions(span=np.array([0, 0, 2, 12, 12, 1]))


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("overall", "abcdef"),
        (f"length:{SHORT}", "acdf"),
        (f"length:{LONG}", "be"),
        (of_span(12), "de"),
        (of_span(0), "ab"),
        (of_span(3), ""),
        (all_but(12), "abcf"),
        (all_but(3), "abcdef"),
    ],
)
def test_a_slice_is_found_by_its_name(name, texts):
    assert "".join(part(IN_SPANS, name).text) == texts
    assert "".join(Sample(IN_SPANS, "test").part(name).text) == texts


def test_the_names_of_slices_of_spans():
    assert (of_span(12), all_but(12)) == ("span:12", "span:!12")


def test_reviews_that_came_in_no_span_are_the_base_set():
    assert "".join(part(predictions(), of_span(0)).text) == "abcdef"
    assert "".join(part(predictions(), all_but(1)).text) == "abcdef"
    assert len(part(predictions(), of_span(1))) == 0


def test_slices_are_lengths_and_then_spans_that_have_reviews():
    found = [(name, "".join(each.text)) for name, each in slices(IN_SPANS)]
    assert found == [
        (f"length:{LONG}", "be"),
        (f"length:{SHORT}", "acdf"),
        ("span:0", "ab"),
        ("span:1", "f"),
        ("span:2", "c"),
        ("span:12", "de"),
    ]
    assert [name for name, _ in slices(predictions())] == [f"length:{LONG}", f"length:{SHORT}"]


def mask(text: str) -> np.ndarray:
    return np.array([each == "x" for each in text])


EXPOSURE = Exposure(
    candidate={"train": mask("xx...."), "earlier eval": mask("....x.")},
    production={"eval": mask(".xx..."), "train": mask("..x..."), "earlier": mask("..xx..")},
)


def test_unseen_is_what_no_model_did_anything_with():
    assert EXPOSURE.unseen_by_candidate(6).tolist() == mask("..xx.x").tolist()
    assert EXPOSURE.unseen(6).tolist() == mask(".....x").tolist()
    assert Exposure().unseen(6).all() and Exposure().unseen_by_candidate(6).all()


def test_each_review_is_left_out_for_the_first_reason_of_the_model_in_production_first():
    assert EXPOSURE.left_out(6) == {
        "the model in production was trained on": 1,
        "the model in production was chosen by": 1,
        "the model that the model in production started from was trained on": 1,
        "the candidate was trained on": 1,
        "the model that the candidate started from was chosen by": 1,
    }
    assert sum(EXPOSURE.left_out(6).values()) == 5
    assert Exposure(candidate={"train": mask("......")}).left_out(6) == {}
