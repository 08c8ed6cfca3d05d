"""The exported SavedModel and its signatures; it loads without Keras and without this package."""

from pathlib import Path

import tensorflow as tf

from components import reviews
from components.threshold import DEFAULT
from components.trainer.classifier.model import Classifier
from components.trainer.classifier.ngrams import NgramIndex, Tables

SIGNATURES = ("serving_default", "tf_example", "classify", "regress")
"""Of a model of two classes; one of more has no `regress`."""

Outputs = dict[str, tf.Tensor]


class _OnExamples(tf.Module):
    """The signature `tf_example`, over `serving_default` of the same module."""

    def serving_default(self, text: tf.Tensor) -> Outputs:
        """Of texts, string [N]."""
        raise NotImplementedError

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")], autograph=False)
    def tf_example(self, examples: tf.Tensor) -> Outputs:
        spec = {reviews.TEXT: reviews.feature_spec()[reviews.TEXT]}  # scoring needs no label
        return self.serving_default(tf.io.parse_example(examples, spec)[reviews.TEXT])


class ServedModel(_OnExamples):
    """Four signatures over one computation, `probability`, of two classes; all take an empty batch.

    `serving_default` takes `text`, string [N]; `tf_example` takes `examples`, string [N], serialized
    tf.Examples with a text feature. Both return `probability` (of positive), float32 [N], and `label`, string
    [N], one of `classes`: positive from the probability `threshold` on. `classify` and `regress` also take
    tf.Examples, under the tensor names that TensorFlow Serving's calls of these names need.
    """

    def __init__(self, classes: tuple[str, ...], threshold: float = DEFAULT) -> None:
        super().__init__()
        self._classes = classes
        self._threshold = threshold

    def probability(self, text: tf.Tensor) -> tf.Tensor:
        """Of being positive: string [N] -> float32 [N]."""
        raise NotImplementedError

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")], autograph=False)
    def serving_default(self, text: tf.Tensor) -> Outputs:
        probability = self.probability(text)
        negative, positive = self._classes
        label = tf.where(probability >= self._threshold, positive, negative)
        return {"probability": probability, "label": label}

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


class ServedClasses(_OnExamples):
    """Three signatures over one computation, `probabilities`, of K > 2 classes; all take an empty batch.

    `serving_default` takes `text`, string [N]; `tf_example` takes `examples`, string [N], serialized
    tf.Examples with a text feature. Both return `probabilities`, float32 [N, K], in the order of `classes`,
    rows with the sum 1, and `label`, string [N], the most probable class. `classify` also takes tf.Examples.
    """

    def __init__(self, classes: tuple[str, ...]) -> None:
        super().__init__()
        self._classes = classes

    def probabilities(self, text: tf.Tensor) -> tf.Tensor:
        """Of the classes: string [N] -> float32 [N, K]."""
        raise NotImplementedError

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")], autograph=False)
    def serving_default(self, text: tf.Tensor) -> Outputs:
        probabilities = tf.ensure_shape(self.probabilities(text), [None, len(self._classes)])
        label = tf.gather(tf.constant(self._classes), tf.argmax(probabilities, axis=1))
        return {"probabilities": probabilities, "label": label}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")], autograph=False)
    def classify(self, inputs: tf.Tensor) -> Outputs:
        """`classes`, string [N, K], in their order; `scores`, float32 [N, K]."""
        scores = self.tf_example(inputs)["probabilities"]
        return {"classes": tf.tile([self._classes], [tf.shape(scores)[0], 1]), "scores": scores}


class _Weights(tf.Module):
    """The parts of a classifier that its signatures need, hung on the module that is saved."""

    def _keep(self, classifier: Classifier) -> None:
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


class ServedClassifier(_Weights, ServedModel):
    """The signatures over a classifier of two classes."""

    def __init__(self, classifier: Classifier, classes: tuple[str, ...], threshold: float = DEFAULT):
        super().__init__(classes, threshold)
        self._keep(classifier)

    def probability(self, text: tf.Tensor) -> tf.Tensor:
        return self._classifier.probability(text, ngram_tables=self.ngram_tables)


class ServedClassesClassifier(_Weights, ServedClasses):
    """The signatures over a classifier of more than two classes."""

    def __init__(self, classifier: Classifier, classes: tuple[str, ...]):
        super().__init__(classes)
        self._keep(classifier)

    def probabilities(self, text: tf.Tensor) -> tf.Tensor:
        return self._classifier.probabilities(text, ngram_tables=self.ngram_tables)


def export(
    classifier: Classifier,
    folder: str | Path,
    *,
    classes: tuple[str, ...] = reviews.CLASSES,
    threshold: float = DEFAULT,
) -> None:
    """Writes the classifier to `folder`: a relocatable SavedModel with only the variables of inference.

    Args:
      classes: the labels that it gives, in their order; of two, the positive one last.
      threshold: the minimum probability of the label positive, of two classes.
    """
    if classifier.classes == 2:
        save(ServedClassifier(classifier, classes, threshold), folder)
    else:
        save(ServedClassesClassifier(classifier, classes), folder)


def save(served: ServedModel | ServedClasses, folder: str | Path) -> None:
    """Writes a SavedModel with those of SIGNATURES that the model has to `folder`."""
    signatures = {name: getattr(served, name) for name in SIGNATURES if hasattr(served, name)}
    tf.saved_model.save(served, str(folder), signatures=signatures)
