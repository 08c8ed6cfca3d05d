import shutil

import numpy as np
import pytest
import tensorflow as tf

from components import reviews
from components.evaluator.checklist.answers import answers_of
from components.evaluator.predict import ModelError, Scorer, score

TEXTS = ("good good film", "bad film", "film")


@pytest.fixture(scope="module")
def examples() -> tf.Tensor:
    return tf.constant([reviews.to_example(text, 1).SerializeToString() for text in TEXTS])


def scorer(folder) -> Scorer:
    return Scorer(str(folder / "Format-Serving"))


@pytest.fixture(scope="module")
def files(examples_folder) -> list[str]:
    return sorted(str(path) for path in (examples_folder / "Split-test").iterdir())


def test_a_signature_is_called_whatever_its_input_is_called(export_model, examples):
    usual = scorer(export_model())(examples)
    renamed = scorer(export_model(tf_example="serve_under_another_name"))(examples)

    assert usual == pytest.approx([0.8808, 0.2689, 0.5], abs=1e-4)
    assert (usual == renamed).all()


def test_no_examples_give_no_probabilities(export_model):
    assert scorer(export_model())(tf.constant([], tf.string)).shape == (0,)


def test_a_model_that_cannot_answer_short_sentences_has_no_answers_and_no_error(export_model):
    assert answers_of(scorer(export_model())) is not None
    assert answers_of(scorer(export_model(tf_example="serve_an_older_schema"))) is None
    assert answers_of(scorer(export_model(bias=float("nan")))) is None


@pytest.mark.parametrize(
    ("signatures", "problem"),
    [
        ({"serving_default": "serve"}, "has no signature tf_example; there are: serving_default"),
        ({"tf_example": "serve_numbers"}, r"takes numbers \(float32\), not one string tensor"),
        ({"tf_example": "serve_scores"}, "gives no probability; it gives: score"),
    ],
)
def test_a_model_of_another_shape_is_described(export_model, signatures, problem):
    with pytest.raises(ModelError, match=problem):
        scorer(export_model(**signatures))


def test_a_model_of_another_schema_fails_in_one_line(export_model, examples):
    model = scorer(export_model(tf_example="serve_an_older_schema"))

    with pytest.raises(
        ModelError, match=r"tf_example of .* fails: Name: .*Feature: review \(data type: string\)"
    ) as caught:
        model(examples)
    assert "\n" not in str(caught.value)


def test_one_number_for_all_reviews_is_no_answer(export_model, examples):
    with pytest.raises(ModelError, match=r"gives probability of shape \(\) for 3 examples"):
        scorer(export_model(tf_example="serve_one_number"))(examples)


def test_a_deleted_folder(tmp_path):
    with pytest.raises(ModelError, match=r"its folder .*Format-Serving is gone"):
        scorer(tmp_path)


def test_a_torn_model_file(export_model, tmp_path):
    folder = shutil.copytree(export_model(), tmp_path / "model")
    file = folder / "Format-Serving" / "saved_model.pb"
    file.write_bytes(file.read_bytes()[:100])

    with pytest.raises(ModelError, match="does not load as a SavedModel"):
        scorer(folder)


def test_one_pass_keeps_the_order_and_goes_on_without_a_broken_model(export_model, files):
    models = {
        "new": scorer(export_model()),
        "old": scorer(export_model(bias=-3.0)),
        "broken": scorer(export_model(tf_example="serve_an_older_schema")),
    }
    columns, scores, problems = score(files, models)

    assert [len(columns[name]) for name in ("text", "label", "length")] == [120, 120, 120]
    assert columns["text"][1] == b"word " * 10 + b"good good 1"
    assert sorted(scores) == ["new", "old"]
    assert scores["new"][1] == pytest.approx(1 / (1 + np.exp(-2)))
    assert list(problems) == ["broken"]
