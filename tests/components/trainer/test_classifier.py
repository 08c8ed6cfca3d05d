import numpy as np
import pytest
import tensorflow as tf

from components.errors import GreenlightError
from components.trainer import data, fitting, model
from components.trainer.settings import TrainerSettings

FAST = TrainerSettings(epochs=3, batch_size=64, dropout=0.2)


def head_weights(classifier: model.Classifier) -> list[np.ndarray]:
    return [weight.numpy() for weight in classifier.head.weights]


def test_the_head_is_as_the_settings_say(embedding):
    classifier = model.build(embedding, TrainerSettings(hidden_units=(16, 4)))
    assert [weight.shape for weight in head_weights(classifier)] == [
        (50, 16),
        (16,),
        (16, 4),
        (4,),
        (4, 1),
        (1,),
    ]
    assert [layer.name for layer in classifier.head.layers] == [
        "dropout",
        "hidden_1",
        "hidden_2",
        "probability",
    ]


def test_the_head_may_be_a_single_layer(embedding):
    classifier = model.build(embedding, TrainerSettings(hidden_units=(), dropout=0))
    assert [weight.shape for weight in head_weights(classifier)] == [(50, 1), (1,)]


def test_initial_weights_follow_the_seed(embedding):
    one, again, other = (
        head_weights(model.build(embedding, TrainerSettings(seed=seed))) for seed in (1, 1, 2)
    )
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert not np.array_equal(one[0], other[0])


def test_probabilities_of_texts(classifier):
    probability = classifier.probability(tf.constant(["A fine film.", "", b"\xff"])).numpy()
    assert probability.shape == (3,) and ((probability > 0) & (probability < 1)).all()
    assert classifier.probability(tf.constant([], tf.string)).shape == (0,)


def fitted(embedding, make_feed, train_files, eval_files) -> tuple[fitting.FitRecord, model.Classifier]:
    classifier = model.build(embedding, FAST)
    feed = make_feed(classifier)
    sets = {
        "train": data.read(train_files, split="train", encode=feed.encode),
        "evaluation": data.read(eval_files, split="eval", encode=feed.encode),
    }
    return fitting.fit(feed, settings=FAST, **sets), classifier


def losses(record: fitting.FitRecord) -> list[list[float]]:
    return [
        [epoch[name] for name in ("loss", "accuracy", "val_loss", "val_accuracy")] for epoch in record.epochs
    ]


def test_training_on_token_ids_equals_training_on_text(embedding, reload, train_files, eval_files):
    plain, on_text = fitted(embedding, model.text_feed, train_files, eval_files)
    fast, on_ids = fitted(reload(embedding), model.encoded_feed, train_files, eval_files)
    np.testing.assert_allclose(losses(fast), losses(plain), atol=1e-5)
    for one, two in zip(head_weights(on_ids), head_weights(on_text), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-4)
    table, start = on_ids.embedding.weights[0].numpy(), reload(embedding).weights[0].numpy()
    np.testing.assert_allclose(table, on_text.embedding.weights[0], atol=1e-4)
    assert not np.allclose(table, start, atol=1e-3)


def test_training_on_frozen_vectors_equals_training_on_text(frozen_embedding, train_files, eval_files):
    start = frozen_embedding.weights[0].numpy()
    plain, _ = fitted(frozen_embedding, model.text_feed, train_files, eval_files)
    fast, _ = fitted(frozen_embedding, model.encoded_feed, train_files, eval_files)
    np.testing.assert_allclose(losses(fast), losses(plain), atol=1e-5)
    np.testing.assert_array_equal(frozen_embedding.weights[0], start)


def test_a_trained_module_without_token_ids_is_fed_text(trainable_hub_module, train_files, eval_files):
    classifier = model.build(trainable_hub_module, FAST)
    assert model.encoded_feed(classifier).model.name == "from_text"
    before = trainable_hub_module.trainable_weights[0].numpy()
    fitted(trainable_hub_module, model.encoded_feed, train_files, eval_files)
    assert not np.array_equal(trainable_hub_module.trainable_weights[0], before)


def test_a_layer_of_keras_3_is_refused():
    with pytest.raises(GreenlightError, match=r"TensorFlow runs with Keras 3, .* Set TF_USE_LEGACY_KERAS=1"):
        model.build(object(), FAST)
