"""The exported SavedModel and its signatures; it loads without Keras and without this package."""

from pathlib import Path

import tensorflow as tf

from components import reviews
from components.trainer.classifier.model import Classifier
from components.trainer.classifier.ngrams import NgramIndex, Tables

CUT = 0.5
"""The minimum probability of the label positive."""

SIGNATURES = ("serving_default", "tf_example", "classify", "regress")

Outputs = dict[str, tf.Tensor]


class ServedModel(tf.Module):
    """Four signatures over one computation, `probability`; all take an empty batch.

    `serving_default` takes `text`, string [N]; `tf_example` takes `examples`, string [N], serialized
    tf.Examples with a text feature. Both return `probability` (of positive), float32 [N], and `label`, string
    [N], one of `classes`. `classify` and `regress` also take tf.Examples, under the tensor names that
    TensorFlow Serving's calls of these names need.
    """

    def __init__(self, classes: tuple[str, ...]) -> None:
        super().__init__()
        self._classes = classes

    def probability(self, text: tf.Tensor) -> tf.Tensor:
        """Of being positive: string [N] -> float32 [N]."""
        raise NotImplementedError

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")], autograph=False)
    def serving_default(self, text: tf.Tensor) -> Outputs:
        probability = self.probability(text)
        negative, positive = self._classes
        label = tf.where(probability >= CUT, positive, negative)
        return {"probability": probability, "label": label}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")], autograph=False)
    def tf_example(self, examples: tf.Tensor) -> Outputs:
        spec = {reviews.TEXT: reviews.feature_spec()[reviews.TEXT]}  # scoring needs no label
        return self.serving_default(tf.io.parse_example(examples, spec)[reviews.TEXT])

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")], autograph=False)
    def classify(self, inputs: tf.Tensor) -> Outputs:
        """`classes`, string [N, 2], the positive one last; `scores`, float32 [N, 2], their sum 1."""
        positive = self.tf_example(inputs)["probability"]
        classes = tf.tile([self._classes], [tf.size(positive), 1])
        return {"classes": classes, "scores": tf.stack([1 - positive, positive], axis=1)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")], autograph=False)
    def regress(self, inputs: tf.Tensor) -> Outputs:
        """`outputs`, float32 [N]: the probability of positive."""
        return {"outputs": self.tf_example(inputs)["probability"]}


class ServedClassifier(ServedModel):
    """The signatures over a classifier."""

    def __init__(self, classifier: Classifier, classes: tuple[str, ...]):
        super().__init__(classes)
        self._classifier = classifier
        # What the functions capture must hang on the module to be saved: the embedding with its vocabulary
        # file, the n-grams, and the head's bare variables. Nothing of Keras or the optimizer goes along.
        self.embedding = classifier.embedding.resolved_object
        self.head = list(classifier.head.weights)
        self.ngram_index: NgramIndex | None = None
        self.ngram_tables: Tables | None = None
        if classifier.ngrams:
            self.ngram_index = classifier.ngrams.index
            weighted, squares = classifier.ngrams.tables()
            self.ngram_tables = tf.Variable(weighted, trainable=False), tf.Variable(squares, trainable=False)

    def probability(self, text: tf.Tensor) -> tf.Tensor:
        return self._classifier.probability(text, ngram_tables=self.ngram_tables)


def export(classifier: Classifier, folder: str | Path, *, classes: tuple[str, ...] = reviews.CLASSES) -> None:
    """Writes the classifier to `folder`: a relocatable SavedModel with only the variables of inference.

    classes: the labels that it gives, the positive one last.
    """
    save(ServedClassifier(classifier, classes), folder)


def save(served: ServedModel, folder: str | Path) -> None:
    """Writes a SavedModel with SIGNATURES to `folder`."""
    signatures = {name: getattr(served, name) for name in SIGNATURES}
    tf.saved_model.save(served, str(folder), signatures=signatures)
