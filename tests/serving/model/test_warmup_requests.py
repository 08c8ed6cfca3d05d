"""A model's own warm-up requests: the trial sends them instead of made-up inputs."""

import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from serving.model.loader import LoadError
from serving.model.warmup_requests import FILE, own_requests


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


def test_a_models_own_requests_are_asked_instead_of_a_plain_text(trial, choosy):
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
def test_a_model_that_does_not_answer_its_own_requests_is_refused(trial, choosy, log, reason):
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
