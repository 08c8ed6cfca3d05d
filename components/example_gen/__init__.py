"""The first stage: labelled reviews from a source, split by a hash of their text, as tf.Examples."""
