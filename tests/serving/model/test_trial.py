"""A version is tried before it serves: what cannot answer is refused, whatever code its failure has."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from serving.model.load_attempt import LoadAttempt
from serving.model.loader import LoadError, load
from serving.model.predictor import Signature, TensorSpec
from serving.model.trial import try_out
from serving.model.warmup_requests import FILE, own_requests
from serving.status import Code, RequestError
from serving.store.manifest import Facts
from serving.versions import VersionStore


def trial(folder, **options):
    predictor = load(str(folder))
    try:
        return try_out(predictor, **options)
    finally:
        predictor.close()


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("no main_op", "signature serving_default does not answer a plain text: Table not initialized. "),
        ("a function of another process", "Could not find callback with key=pyfunk_"),
        ("NaN", "does not answer a plain text: output probability is not a number (NaN). "),
        (
            "another type than its signature",
            "output probability has the type float32, and not int32 as in the signature. ",
        ),
        ("an asset that is missing", "words.txt; No such file or directory"),
        ("no signature", "it has no signature: it cannot be called"),
        ("a tensor that is not in the graph", "Tensor nowhere:0"),
    ],
)
def test_a_model_that_cannot_answer_is_refused(odd_model, kind, reason):
    with pytest.raises(LoadError) as refused:
        trial(odd_model(kind))
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "kind",
    [
        "tf.Examples",
        "tf.Examples one by one",
        "tf.Examples of TensorFlow 1",
        "images",
        "one row only",
    ],
)
def test_a_sound_model_passes_whatever_it_takes(odd_model, kind):
    assert trial(odd_model(kind)).signature == "serving_default"


def test_a_small_real_model_passes_through_every_signature(small_model):
    question = trial(small_model())
    assert question.inputs["text"].shape == (1,)


class Fake:
    """Stands for a predictor; `fails` are the errors of signatures by name."""

    def __init__(self, *names, fails=None, dtype="string", more_rows=None):
        spec = TensorSpec(dtype=dtype, shape=(None,), tensor="x:0")
        outputs = {} if more_rows is None else {"y": TensorSpec(dtype="int32", shape=(None,), tensor="y:0")}
        self.signatures = {
            name: Signature(name=name, inputs={"x": spec}, outputs=outputs, method_name="", definition=None)
            for name in names
        }
        self.fails = fails or {}
        self.more_rows = more_rows
        self.asked = []

    def graph_def(self):
        return tf.compat.v1.GraphDef()

    def run(self, name, inputs):
        self.asked.append((name, len(inputs["x"])))
        if name in self.fails:
            raise RequestError(self.fails[name], "no")
        if self.more_rows is None:
            return {}
        return {"y": np.zeros(len(inputs["x"]) + self.more_rows, np.int32)}


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
        try_out(model, live=Fake("serving_default", "other"))


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
    assert try_out(Fake("serving_default", "other", fails={"other": Code.FAILED_PRECONDITION}), live=live)


@pytest.mark.parametrize("name", ["serving_default", "other"])
def test_an_output_may_not_lose_the_rows_that_the_live_versions_has(name):
    names = {"serving_default", name}
    with pytest.raises(LoadError, match=rf"output y of signature {name} does not have one row for each"):
        try_out(Fake(*names, more_rows=1), live=Fake(name, more_rows=0))


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
    assert try_out(Fake("serving_default", more_rows=1), live=live)


def test_without_a_default_any_signature_will_do_and_one_has_to():
    fails = {"a": Code.INVALID_ARGUMENT}
    assert try_out(Fake("a", "b", fails=fails)).signature == "b"
    with pytest.raises(LoadError, match="signature a does not answer"):
        try_out(Fake("a", fails=fails))


def with_requests(folder, *logs):
    """Puts warm-up requests into the SavedModel."""
    file = folder / FILE
    file.parent.mkdir()
    with tf.io.TFRecordWriter(str(file)) as records:
        for log in logs:
            records.write(log.SerializeToString())
    return folder


def predict_log(text, signature="", name="text"):
    log = prediction_log_pb2.PredictionLog()
    request = log.predict_log.request
    request.model_spec.signature_name = signature
    request.inputs[name].CopyFrom(tf.make_tensor_proto([text]))
    return log


def classify_log(text):
    feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[text]))
    log = prediction_log_pb2.PredictionLog()
    request = log.classify_log.request
    request.model_spec.signature_name = "classify"
    request.input.example_list.examples.append(
        tf.train.Example(features=tf.train.Features(feature={"text": feature}))
    )
    return log


@pytest.fixture
def choosy(tmp_path):
    """Makes a model that answers `yes` and nothing else, with these requests of its own."""

    def make(*logs):
        def answer(text):
            with tf.control_dependencies([tf.debugging.assert_equal(text, "yes", "say yes")]):
                return {"score": tf.fill(tf.shape(text), 1.0)}

        module = tf.Module()
        module.answer = tf.function(answer, input_signature=[tf.TensorSpec([None], tf.string, name="text")])
        tf.saved_model.save(module, str(tmp_path / "model"), signatures=module.answer)
        return with_requests(tmp_path / "model", *logs)

    return make


def test_a_models_own_requests_are_asked_instead_of_a_plain_text(choosy):
    folder = choosy(predict_log("yes"))
    question = trial(folder, own=own_requests(str(folder)))
    assert question.inputs["text"].tolist() == [b"yes"]
    with pytest.raises(LoadError, match="does not answer a plain text: assertion failed: \\[say yes\\]"):
        trial(folder)


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (predict_log("no"), f"it does not answer request 2 of its {FILE}: assertion failed: [say yes]"),
        (predict_log("yes", name="words"), "The inputs of signature serving_default are text, and not words"),
        (predict_log("yes", signature="b"), "there is no signature 'b'"),
    ],
)
def test_a_model_that_does_not_answer_its_own_requests_is_refused(choosy, log, reason):
    folder = choosy(predict_log("yes"), log)
    with pytest.raises(LoadError) as refused:
        trial(folder, own=own_requests(str(folder)))
    assert reason in str(refused.value)


def test_requests_to_classify_are_read_and_other_kinds_left_out(tmp_path):
    folder = with_requests(
        tmp_path, classify_log(b"a film"), prediction_log_pb2.PredictionLog(session_run_log={})
    )
    (request,) = own_requests(str(folder))
    assert request.signature == "classify"
    assert b"a film" in request.inputs["inputs"][0]


def test_requests_that_cannot_be_read_are_a_reason_to_refuse(tmp_path):
    (tmp_path / FILE).parent.mkdir()
    (tmp_path / FILE).write_bytes(b"not a TFRecord")
    with pytest.raises(LoadError, match=f"^its {FILE} cannot be read: "):
        own_requests(str(tmp_path))


def test_without_the_file_there_are_none(tmp_path):
    assert own_requests(str(tmp_path)) == []


def test_an_attempt_that_is_given_up_ends_and_closes_the_model(tmp_path, odd_model):
    """The model would never answer: TensorFlow ends the call because its session is closed."""
    store = VersionStore(tmp_path / "store")
    store.push(odd_model("endless"), Facts())
    attempts = []

    def load_and_give_up(path, number):
        predictor = load(path, number)
        run = predictor.run

        def run_and_give_up(name, inputs):
            import threading

            threading.Timer(0.2, attempts[0].give_up).start()
            return run(name, inputs)

        predictor.run = run_and_give_up
        return predictor

    attempts.append(LoadAttempt(store, 1, live=None, load=load_and_give_up))
    with pytest.raises(LoadError):
        attempts[0].run()


def test_zero_bytes_at_the_end_of_a_string_are_kept(odd_model):
    (value,) = trial(odd_model("tf.Examples of TensorFlow 1")).inputs["examples"]
    year = tf.train.Example.FromString(value).features.feature["year"].int64_list.value
    assert (np.frombuffer(value, np.uint8)[-1], list(year)) == (0, [0])
