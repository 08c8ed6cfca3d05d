"""What a signature must be to classify or regress, and what its outputs; texts as TensorFlow Serving's."""

import numpy as np
import pytest
from refusals import invalid_argument

from serving.model import classification
from serving.model.predictor import Signature, TensorSpec


def signature(inputs: tuple[str, ...], outputs: tuple[str, ...]) -> Signature:
    def spec(name: str) -> TensorSpec:
        return TensorSpec(dtype="string", shape=(None,), tensor=name)

    return Signature(
        name="s",
        inputs={name: spec(name) for name in inputs},
        outputs={name: spec(name) for name in outputs},
        method_name="",
        definition="DEFINITION",
    )


@pytest.mark.parametrize("outputs", [("classes",), ("scores",), ("classes", "scores")])
def test_classes_or_scores_classify(outputs):
    classification.check_classification(signature(("inputs",), outputs))


@pytest.mark.parametrize(
    ("inputs", "outputs", "text"),
    [
        (("inputs", "more"), ("scores",), "Expected one input Tensor."),
        (("inputs",), ("a", "b", "c"), "Expected one or two output Tensors, found 3"),
        (("text",), ("scores",), "No classification inputs found in SignatureDef: DEFINITION"),
        (
            ("inputs",),
            ("probability",),
            'Expected classification signature outputs to contain at least one of "classes" or "scores". '
            "Signature was: DEFINITION",
        ),
    ],
)
def test_what_cannot_classify(inputs, outputs, text):
    assert invalid_argument(classification.check_classification, signature(inputs, outputs)) == text


@pytest.mark.parametrize(
    ("inputs", "outputs", "text"),
    [
        (("inputs", "more"), ("outputs",), "Expected one input Tensor."),
        (("inputs",), ("outputs", "more"), "Expected one output Tensor."),
        (("text",), ("outputs",), "No regression inputs found in SignatureDef: DEFINITION"),
        (("inputs",), ("scores",), "No regression outputs found in SignatureDef: DEFINITION"),
    ],
)
def test_what_cannot_regress(inputs, outputs, text):
    classification.check_regression(signature(("inputs",), ("outputs",)))
    assert invalid_argument(classification.check_regression, signature(inputs, outputs)) == text


LABELS = np.array([[b"a", b"b"]], object)
SCORES = np.array([[0.25, 0.75]], np.float32)


def test_what_the_signature_lacks_is_empty_or_zero():
    both = classification.classifications({"classes": LABELS, "scores": SCORES}, 1)
    assert both == [[(b"a", 0.25), (b"b", 0.75)]]
    assert classification.classifications({"classes": LABELS}, 1) == [[(b"a", 0.0), (b"b", 0.0)]]
    assert classification.classifications({"scores": SCORES}, 1) == [[(b"", 0.25), (b"", 0.75)]]


@pytest.mark.parametrize(
    ("outputs", "rows", "text"),
    [
        ({"classes": LABELS[0]}, 2, "Expected Tensor shape: [batch_size num_classes] but got [2]"),
        ({"scores": SCORES.astype(np.float64)}, 1, "Expected scores Tensor of DT_FLOAT. Got: DT_DOUBLE"),
        ({"classes": SCORES}, 1, "Expected classes Tensor of DT_STRING. Got: DT_FLOAT"),
        ({"scores": SCORES}, 2, "Expected scores output batch size of 2. Got: 1"),
        (
            {"classes": LABELS, "scores": SCORES[:, :1]},
            1,
            "Tensors class and score should match in dim_size(1). Got 2 vs. 1",
        ),
    ],
)
def test_outputs_that_are_no_classification(outputs, rows, text):
    assert invalid_argument(classification.classifications, outputs, rows) == text


def test_a_regression_has_one_number_a_row():
    for values in (np.array([1, 2], np.float32), np.array([[1], [2]], np.float32)):
        assert classification.regressions({"outputs": values}, 2).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (np.zeros((2, 2), np.float32), "to be either [batch_size] or [batch_size, 1] but got [2,2]"),
        (np.zeros(3, np.float32), "Input batch size did not match output batch size: 2 vs. 3"),
        (np.zeros(2), "Expected output Tensor of DT_FLOAT.  Got: DT_DOUBLE"),
    ],
)
def test_outputs_that_are_no_regression(values, text):
    assert invalid_argument(classification.regressions, {"outputs": values}, 2).endswith(text)
