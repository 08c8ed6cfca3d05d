"""The signatures of a version under trial, alone and compared with those of the live version."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from serving.model.loader import LoadError
from serving.model.predictor import Signature, TensorSpec
from serving.model.trial import Reference, try_out
from serving.status import Code, RequestError


class Fake:
    """Stands for a predictor; `fails` are the errors of signatures by name."""

    version = 7

    def __init__(self, *names, fails=None, dtype="string", more_rows=None, rows=None, batch_fails=None):
        spec = TensorSpec(dtype=dtype, shape=(None,), tensor="x:0")
        answers = more_rows is not None or rows is not None
        outputs = {"y": TensorSpec(dtype="int32", shape=(rows,), tensor="y:0")} if answers else {}
        self.signatures = {
            name: Signature(name=name, inputs={"x": spec}, outputs=outputs, method_name="", definition=None)
            for name in names
        }
        self.fails = fails or {}
        self.more_rows = more_rows
        self.rows = rows
        self.batch_fails = batch_fails
        self.asked = []

    def graph_def(self):
        return tf.compat.v1.GraphDef()

    def run(self, name, inputs):
        self.asked.append((name, len(inputs["x"])))
        if name in self.fails:
            raise RequestError(self.fails[name], "no")
        if self.batch_fails is not None and len(inputs["x"]) > 1:
            raise RequestError(self.batch_fails, "one at a time.")
        if self.rows is not None:
            return {"y": np.zeros(self.rows, np.int32)}
        if self.more_rows is None:
            return {}
        return {"y": np.zeros(len(inputs["x"]) + self.more_rows, np.int32)}


def beside(live):
    """What a version is compared with."""
    return Reference(live)


def test_every_signature_is_asked_one_row_and_a_batch():
    model = Fake("serving_default", "other")
    try_out(model)
    assert set(model.asked) == {(name, rows) for name in ("serving_default", "other") for rows in (1, 8)}


@pytest.mark.parametrize("code", [code for code in Code if code is not Code.OK])
def test_no_code_excuses_the_default_signature(code):
    with pytest.raises(LoadError, match=r"^signature serving_default does not answer a plain text: no\. "):
        try_out(Fake("serving_default", "other", fails={"serving_default": code}))


def test_another_signature_may_dislike_made_up_inputs():
    assert try_out(Fake("serving_default", "other", fails={"other": Code.INVALID_ARGUMENT}))


def test_another_signature_may_not_fail_by_the_models_fault():
    with pytest.raises(LoadError, match="signature other"):
        try_out(Fake("serving_default", "other", fails={"other": Code.INTERNAL}))


def test_another_signature_may_not_fail_where_the_live_version_answers():
    model = Fake("serving_default", "other", fails={"other": Code.FAILED_PRECONDITION})
    with pytest.raises(LoadError, match="signature other"):
        try_out(model, reference=beside(Fake("serving_default", "other")))


@pytest.mark.parametrize(
    "live",
    [
        Fake("serving_default"),
        Fake("serving_default", "other", fails={"other": Code.FAILED_PRECONDITION}),
        Fake("serving_default", "other", dtype="int32"),
    ],
    ids=["has none", "fails too", "takes another type"],
)
def test_it_may_where_the_live_version_says_nothing_about_it(live):
    assert try_out(
        Fake("serving_default", "other", fails={"other": Code.FAILED_PRECONDITION}), reference=beside(live)
    )


@pytest.mark.parametrize("name", ["serving_default", "other"])
def test_an_output_may_not_lose_the_rows_that_the_live_versions_has(name):
    names = {"serving_default", name}
    with pytest.raises(LoadError, match=rf"output y of signature {name} does not have one row for each"):
        try_out(Fake(*names, more_rows=1), reference=beside(Fake(name, more_rows=0)))


def test_nor_in_a_batch_only_whatever_its_signature_says():
    """A signature that says that it has one row, and has it, keeps its word and loses the others."""
    with pytest.raises(LoadError) as refused:
        try_out(Fake("serving_default", rows=1), reference=beside(Fake("serving_default", more_rows=0)))
    assert str(refused.value) == (
        "output y of signature serving_default does not have one row for each of the input, as that of "
        "version 7 has"
    )


def test_a_version_may_not_want_its_rows_one_by_one_all_of_a_sudden():
    choosy = Fake("serving_default", more_rows=0, batch_fails=Code.INVALID_ARGUMENT)
    assert try_out(choosy)
    assert try_out(choosy, reference=beside(choosy))
    with pytest.raises(LoadError) as refused:
        try_out(choosy, reference=beside(Fake("serving_default", more_rows=0)))
    assert str(refused.value) == (
        "signature serving_default does not answer 8 rows, as that of version 7 does: one at a time"
    )


def test_a_batch_may_not_fail_by_the_models_fault():
    with pytest.raises(LoadError, match="signature serving_default does not answer"):
        try_out(Fake("serving_default", batch_fails=Code.INTERNAL))


def test_the_default_signature_may_not_disappear():
    with pytest.raises(LoadError) as refused:
        try_out(Fake("a"), reference=beside(Fake("serving_default", "a")))
    assert str(refused.value) == (
        "it has no signature serving_default, which version 7 has: requests that name no signature would fail"
    )
    assert try_out(Fake("a"), reference=beside(Fake("a", "b"))).signature == "a"


def test_an_older_version_is_loaded_for_a_comparison_only_where_one_is_needed():
    loaded = []

    def older():
        loaded.append(1)
        return Fake("serving_default", "other")

    assert try_out(Fake("serving_default", "more"), reference=Reference(older=older))
    assert loaded == []
    with pytest.raises(LoadError, match="signature other does not answer"):
        try_out(
            Fake("serving_default", "other", fails={"other": Code.OUT_OF_RANGE}),
            reference=Reference(older=older),
        )
    assert loaded == [1]


class Answering(Fake):
    """Answers with what `values` makes of the number of rows."""

    def __init__(self, values, dtype):
        super().__init__("serving_default", more_rows=0)
        signature = self.signatures["serving_default"]
        spec = TensorSpec(dtype=dtype, shape=(None,), tensor="y:0")
        self.signatures = {"serving_default": dataclasses.replace(signature, outputs={"y": spec})}
        self.values = values

    def run(self, name, inputs):
        return {"y": self.values(len(inputs["x"]))}


NAN = float("nan")


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        ("float16", NAN),
        ("bfloat16", NAN),
        ("float32", NAN),
        ("float64", NAN),
        ("complex64", complex(NAN, 0)),
        ("float32", float("inf")),
        ("float32", float("-inf")),
    ],
)
def test_an_output_without_a_finite_number_is_no_answer_of_one_row_or_of_several(dtype, value):
    numpy = tf.as_dtype(dtype).as_numpy_dtype

    def always(rows):
        return np.full(rows, value, numpy)

    def in_a_batch(rows):
        return np.full(rows, value if rows > 1 else 1, numpy)

    for values in (always, in_a_batch):
        with pytest.raises(LoadError, match=r"output y is not (a number \(NaN\)|finite)\. "):
            try_out(Answering(values, dtype))
    assert try_out(Answering(lambda rows: np.array([1] + [value] * (rows - 1), numpy), dtype))


@pytest.mark.parametrize(
    "live",
    [
        None,
        Fake("serving_default", more_rows=1),
        Fake("serving_default"),
        Fake("serving_default", more_rows=0, dtype="int32"),
        Fake("serving_default", more_rows=0, fails={"serving_default": Code.INTERNAL}),
    ],
    ids=["none", "has none either", "has other outputs", "takes another type", "fails"],
)
def test_a_signature_may_answer_the_whole_and_not_each_row(live):
    assert try_out(Fake("serving_default", more_rows=1), reference=beside(live))


def test_without_a_default_any_signature_will_do_and_one_has_to():
    fails = {"a": Code.INVALID_ARGUMENT}
    assert try_out(Fake("a", "b", fails=fails)).signature == "b"
    with pytest.raises(LoadError, match="signature a does not answer"):
        try_out(Fake("a", fails=fails))
