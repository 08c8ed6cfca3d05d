"""A small SavedModel of more than two classes, with the signatures of the real one."""

from pathlib import Path

import tensorflow as tf

NAMES = ("ham", "spam", "offer")
STRINGS = [None], tf.string


def save_multiclass_model(folder: Path, names: tuple[str, ...] = NAMES, **overrides) -> None:
    """Writes it: the more often a text says the name of a class, the more probable is the class.

    overrides: other functions of the text, [N] -> outputs, for the signatures of these names.
    """

    def probabilities(text):
        counts = [
            tf.strings.length(text) - tf.strings.length(tf.strings.regex_replace(text, name, name[1:]))
            for name in names
        ]
        return tf.nn.softmax(2.0 * tf.cast(tf.stack(counts, axis=1), tf.float32), axis=1)

    def scored(text):
        found = probabilities(text)
        return {"probabilities": found, "label": tf.gather(tf.constant(names), tf.argmax(found, axis=1))}

    def classified(text):
        found = probabilities(text)
        return {"classes": tf.tile([names], [tf.size(text), 1]), "scores": found}

    def parsed(examples):
        return tf.io.parse_example(examples, {"text": tf.io.FixedLenFeature([], tf.string)})["text"]

    functions = {"serving_default": scored, "tf_example": scored, "classify": classified} | overrides

    def takes(name, one, argument):
        spec = [tf.TensorSpec(*STRINGS, name=argument)]
        given = (lambda text: text) if name == "serving_default" else parsed
        return tf.function(lambda value: one(given(value)), input_signature=spec)

    arguments = {"serving_default": "text", "tf_example": "examples", "classify": "inputs"}
    module = tf.Module()
    module.functions = {
        name: takes(name, one, arguments[name]) for name, one in functions.items() if one is not None
    }
    tf.saved_model.save(module, str(folder), signatures=module.functions)
