"""The ImdbExampleGen stage: labeled reviews from a source, split by a hash of their text, as tf.Examples."""
