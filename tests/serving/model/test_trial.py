"""Real models under trial: what cannot answer is refused, whatever code its failure has."""

import numpy as np
import pytest
import tensorflow as tf

from serving.model.loader import LoadError


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
def test_a_model_that_cannot_answer_is_refused(trial, odd_model, kind, reason):
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
def test_a_sound_model_passes_whatever_it_takes(trial, odd_model, kind):
    assert trial(odd_model(kind)).signature == "serving_default"


def test_a_small_real_model_passes_through_every_signature(trial, small_model):
    question = trial(small_model())
    assert question.inputs["text"].shape == (1,)


def test_quantized_numbers_are_the_whole_numbers_that_a_session_gives(trial, tmp_path):
    def answer(text):
        return {"y": tf.bitcast(tf.fill(tf.shape(text), tf.constant(3, tf.int8)), tf.qint8)}

    module = tf.Module()
    module.answer = tf.function(answer, input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    tf.saved_model.save(module, str(tmp_path / "model"), signatures=module.answer)
    assert trial(tmp_path / "model").signature == "serving_default"


def test_zero_bytes_at_the_end_of_a_string_are_kept(trial, odd_model):
    (value,) = trial(odd_model("tf.Examples of TensorFlow 1")).inputs["examples"]
    year = tf.train.Example.FromString(value).features.feature["year"].int64_list.value
    assert (np.frombuffer(value, np.uint8)[-1], list(year)) == (0, [0])
