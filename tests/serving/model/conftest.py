"""Models that a server has to refuse, each broken in its own way, and sound ones of odd shapes."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

TEXT_INPUT = [tf.TensorSpec([None], tf.string, name="text")]


def save(folder: Path, function: Callable, spec=None, **others) -> None:
    """A SavedModel whose default signature is `function`; `others` are signatures by their names."""
    module = tf.Module()
    functions = {"serving_default": (function, spec or TEXT_INPUT), **others}
    module.functions = {
        name: tf.function(one, input_signature=given) for name, (one, given) in functions.items()
    }
    tf.saved_model.save(module, str(folder), signatures=module.functions)


def save_without_main_op(folder: Path) -> None:
    """As TensorFlow 1 exported, but nothing initializes the table."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        text = tf.compat.v1.placeholder(tf.string, [None], name="text")
        words = tf.lookup.KeyValueTensorInitializer(tf.constant(["good"]), tf.constant([1.0]))
        found = tf.lookup.StaticHashTable(words, 0.0).lookup(text)
        builder = tf.compat.v1.saved_model.Builder(str(folder))
        signature = tf.compat.v1.saved_model.predict_signature_def({"text": text}, {"probability": found})
        builder.add_meta_graph_and_variables(session, ["serve"], {"serving_default": signature})
        builder.save()


def save_py_function(folder: Path) -> None:
    """With a function of a Python process that is gone."""

    def answer(text):
        found = tf.numpy_function(lambda rows: np.zeros(len(rows), np.float32), [text], tf.float32)
        return {"probability": tf.ensure_shape(found, [None])}

    save(folder, answer)
    graph = folder / "saved_model.pb"
    graph.write_bytes(graph.read_bytes().replace(b"pyfunc_", b"pyfunk_"))


def save_nan(folder: Path) -> None:
    save(folder, lambda text: {"probability": tf.fill(tf.shape(text), float("nan"))})


def save_other_type(folder: Path) -> None:
    """The graph answers with float32, the signature says int32."""
    from tensorflow.core.protobuf import saved_model_pb2

    save(folder, lambda text: {"probability": tf.fill(tf.shape(text), 0.5)})
    graph = folder / "saved_model.pb"
    model = saved_model_pb2.SavedModel.FromString(graph.read_bytes())
    signature = model.meta_graphs[0].signature_def["serving_default"]
    signature.outputs["probability"].dtype = tf.int32.as_datatype_enum
    graph.write_bytes(model.SerializeToString())


def save_without_its_asset(folder: Path) -> None:
    words = folder.parent / "words.txt"
    words.write_text("good\n")

    class Table(tf.Module):
        def __init__(self):
            super().__init__()
            initializer = tf.lookup.TextFileInitializer(
                tf.saved_model.Asset(str(words)).asset_path
                if hasattr(tf.saved_model.Asset(str(words)), "asset_path")
                else str(words),
                tf.string,
                tf.lookup.TextFileIndex.WHOLE_LINE,
                tf.int64,
                tf.lookup.TextFileIndex.LINE_NUMBER,
            )
            self.table = tf.lookup.StaticHashTable(initializer, -1)

        @tf.function(input_signature=TEXT_INPUT)
        def answer(self, text):
            return {"probability": tf.cast(self.table.lookup(text), tf.float32)}

    table = Table()
    tf.saved_model.save(table, str(folder), signatures=table.answer)
    shutil.rmtree(folder / "assets")


def save_without_signatures(folder: Path) -> None:
    tf.saved_model.save(tf.Module(), str(folder))


def save_unknown_tensor(folder: Path) -> None:
    """The signature names a tensor that the graph does not have."""
    from tensorflow.core.protobuf import saved_model_pb2

    save(folder, lambda text: {"probability": tf.fill(tf.shape(text), 0.5)})
    graph = folder / "saved_model.pb"
    model = saved_model_pb2.SavedModel.FromString(graph.read_bytes())
    signature = model.meta_graphs[0].signature_def["serving_default"]
    signature.outputs["probability"].name = "nowhere:0"
    graph.write_bytes(model.SerializeToString())


def _endless(text):
    last = tf.while_loop(lambda i: i >= 0, lambda i: (tf.math.floormod(i + 1, 7),), (tf.constant(0),))[0]
    return {"probability": tf.fill(tf.shape(text), tf.cast(last, tf.float32))}


def save_endless(folder: Path) -> None:
    save(folder, _endless)


BROKEN = {
    "no main_op": save_without_main_op,
    "a function of another process": save_py_function,
    "NaN": save_nan,
    "another type than its signature": save_other_type,
    "an asset that is missing": save_without_its_asset,
    "no signature": save_without_signatures,
    "a tensor that is not in the graph": save_unknown_tensor,
}

EXAMPLES = [tf.TensorSpec([None], tf.string, name="examples")]


def _parsed(examples):
    features = {
        "review": tf.io.FixedLenFeature([], tf.string),
        "stars": tf.io.FixedLenFeature([2], tf.float32),
        "year": tf.io.FixedLenFeature([], tf.int64),
        "tags": tf.io.VarLenFeature(tf.string),
    }
    return tf.io.parse_example(examples, features)


def save_examples(folder: Path) -> None:
    """Takes nothing but tf.Examples with all their features."""
    save(folder, lambda examples: {"stars": tf.reduce_sum(_parsed(examples)["stars"], axis=1)}, EXAMPLES)


def save_single_examples(folder: Path) -> None:
    """Parses them one by one."""

    def parse(serialized):
        features = {"year": tf.io.FixedLenFeature([], tf.int64)}
        return tf.cast(tf.io.parse_single_example(serialized, features)["year"], tf.float32)

    save(
        folder,
        lambda examples: {"years": tf.map_fn(parse, examples, fn_output_signature=tf.float32)},
        EXAMPLES,
    )


def save_old_examples(folder: Path) -> None:
    """As TensorFlow 1 exported estimators."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        examples = tf.compat.v1.placeholder(tf.string, [None], name="examples")
        parsed = tf.io.parse_example(examples, {"year": tf.io.FixedLenFeature([], tf.int64)})
        signature = tf.compat.v1.saved_model.predict_signature_def({"examples": examples}, parsed)
        builder = tf.compat.v1.saved_model.Builder(str(folder))
        builder.add_meta_graph_and_variables(session, ["serve"], {"serving_default": signature})
        builder.save()


def save_images(folder: Path) -> None:
    """Needs dimensions larger than 1, and numbers that differ."""

    def answer(images):
        small = tf.nn.max_pool2d(images, 8, 8, "VALID")
        deviation = tf.math.reduce_std(small, axis=[1, 2, 3])
        with tf.control_dependencies([tf.debugging.assert_positive(tf.shape(small)[1:])]):
            return {"score": tf.math.reduce_mean(small, axis=[1, 2, 3]) / deviation}

    save(folder, answer, [tf.TensorSpec([None, None, None, 3], tf.float32, name="images")])


def save_one_row_only(folder: Path) -> None:
    """Dislikes batches, though its signature allows them."""

    def answer(text):
        with tf.control_dependencies([tf.debugging.assert_equal(tf.size(text), 1, "one at a time")]):
            return {"probability": tf.fill(tf.shape(text), 0.5)}

    save(folder, answer)


SOUND = {
    "tf.Examples": save_examples,
    "tf.Examples one by one": save_single_examples,
    "tf.Examples of TensorFlow 1": save_old_examples,
    "images": save_images,
    "one row only": save_one_row_only,
}


@pytest.fixture(scope="session")
def odd_model(tmp_path_factory) -> Callable[[str], Path]:
    """The folder of a model of BROKEN, SOUND, or `endless`, made once."""
    made: dict[str, Path] = {}
    makers = {**BROKEN, **SOUND, "endless": save_endless}

    def make(kind: str) -> Path:
        if kind not in made:
            folder = tmp_path_factory.mktemp("odd") / "model"
            makers[kind](folder)
            made[kind] = folder
        return made[kind]

    return make


@pytest.fixture
def trial():
    """`trial(folder, **options)` is the question that `try_out` returns for the model in a folder."""
    from serving.model.loader import load
    from serving.model.trial import try_out

    def run(folder: Path, **options):
        predictor = load(str(folder))
        try:
            return try_out(predictor, **options)
        finally:
            predictor.close()

    return run
