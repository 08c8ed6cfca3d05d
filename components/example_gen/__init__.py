"""The TextExampleGen stage: labeled texts from a source, split by a hash of their text, as tf.Examples."""
