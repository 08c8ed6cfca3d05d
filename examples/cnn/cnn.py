"""A small convolutional network on text, for `trainer.module = "cnn.py:build"`."""

import tf_keras as keras

WORDS = 20_000
LENGTH = 250


def build(texts, settings):
    """Two widths of convolution over word vectors, and the strongest match of each filter.

    Args:
      texts: the training texts, batches of strings.
      settings: the `trainer` settings, of which this model uses dropout.
    """
    vectorize = keras.layers.TextVectorization(max_tokens=WORDS, output_sequence_length=LENGTH)
    vectorize.adapt(texts)

    text = keras.Input(shape=(), dtype="string", name="text")
    words = keras.layers.Embedding(WORDS, 50)(vectorize(text))
    words = keras.layers.Dropout(settings.dropout)(words)
    found = [
        keras.layers.GlobalMaxPooling1D()(keras.layers.Conv1D(64, width, activation="relu")(words))
        for width in (2, 3)
    ]
    hidden = keras.layers.Dropout(settings.dropout)(keras.layers.concatenate(found))
    return keras.Model(text, keras.layers.Dense(1)(hidden))
