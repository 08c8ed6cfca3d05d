"""Which reviews a condition is judged on: slices, and what the models have not seen."""

import numpy as np
import pytest

from components.evaluator.judgment.samples import (
    MOST,
    Exposure,
    Sample,
    part,
    slices,
    slices_of,
)
from components.evaluator.predictions import Predictions
from components.evaluator.slice_names import all_but, of_span

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


def test_the_name_of_a_slice_without_a_span_in_older_verdicts_is_still_read():
    assert "".join(part(IN_SPANS, "span:not 12").text) == "abcf"


IN_LANGUAGES = predictions(slices={"lang": np.array(["de", "en", "de", "", "a:b", "en"], object)})


@pytest.mark.parametrize(
    ("name", "texts"), [("lang:de", "ac"), ("lang:", "d"), ("lang:a:b", "e"), ("lang:fr", ""), ("shop:x", "")]
)
def test_a_value_of_a_metadata_column_is_a_slice(name, texts):
    assert "".join(part(IN_LANGUAGES, name).text) == texts


def test_the_slices_of_metadata_come_last_and_are_sorted():
    names = [name for name, _ in slices(IN_LANGUAGES)]
    assert names[2:] == ["lang:", "lang:a:b", "lang:de", "lang:en"]


def test_of_a_column_with_many_values_the_most_frequent_are_measured():
    values = np.array([f"v{number}" for number in range(200)] + ["often"] * 3, object)
    size = len(values)
    many = Predictions(
        text=values,
        label=np.zeros(size, np.int8),
        length=np.array([SHORT] * size, object),
        probability=np.zeros(size, np.float32),
        slices={"user": values},
    )
    found = slices_of(many, "user")
    assert (len(found), "user:often" in found) == (MOST, True)
