"""A model small enough to be understood: it counts the words "good" and "bad"."""

import dataclasses
import functools
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
import tensorflow as tf
from example_files import write_examples
from tfx.components.evaluator import executor as tfx_executor
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import proto_utils

from components import reviews
from components.class_names import names_in
from components.evaluator.executor import Executor
from components.evaluator.exposure.data_settings import slice_columns_of
from components.evaluator.gate import eval_config
from components.evaluator.predictions import Predictions
from components.evaluator.settings import GateSettings
from components.evaluator.verdict import Verdict


class WordCounter(tf.Module):
    """probability = sigmoid(slope * ("good" minus "bad") + bias), through both signatures."""

    def __init__(self, *, slope: float, bias: float) -> None:
        super().__init__()
        self.slope, self.bias = tf.Variable(slope), tf.Variable(bias)

    def serve(self, text):
        words = tf.strings.split(text)
        counts = [tf.reduce_sum(tf.cast(words == word, tf.float32), axis=1) for word in ("good", "bad")]
        probability = tf.sigmoid(self.slope * (counts[0] - counts[1]) + self.bias)
        return {"probability": probability, "label": tf.where(probability >= 0.5, "positive", "negative")}

    def serve_examples(self, examples):
        return self.serve(tf.io.parse_example(examples, reviews.feature_spec())[reviews.TEXT])

    def serve_under_another_name(self, serialized):
        return self.serve_examples(serialized)

    def serve_numbers(self, numbers):
        return {"probability": numbers}

    def serve_scores(self, examples):
        return {"score": self.serve_examples(examples)["probability"]}

    def serve_one_number(self, examples):
        return {"probability": tf.reduce_mean(self.serve_examples(examples)["probability"])}

    def serve_an_older_schema(self, examples):
        return self.serve(
            tf.io.parse_example(examples, {"review": tf.io.FixedLenFeature([], tf.string)})["review"]
        )


Export = Callable[..., Path]


def _signature(method: Callable[..., dict[str, tf.Tensor]]) -> tf.types.experimental.GenericFunction:
    """As a function of a vector, under the name that the method gives its argument."""
    (name,) = inspect.signature(method).parameters
    dtype = tf.float32 if name == "numbers" else tf.string
    return tf.function(method, input_signature=[tf.TensorSpec([None], dtype, name=name)])


@pytest.fixture(scope="session")
def export_model(tmp_path_factory) -> Export:
    """A Model artifact's folder with a WordCounter, not to be changed; `signature=method` chooses others."""

    @functools.cache
    def export(*, slope: float = 1.0, bias: float = 0.0, **signatures: str) -> Path:
        model = WordCounter(slope=slope, bias=bias)
        chosen = signatures or {"serving_default": "serve", "tf_example": "serve_examples"}
        functions = {name: _signature(getattr(model, method)) for name, method in chosen.items()}
        folder = tmp_path_factory.mktemp("model")
        tf.saved_model.save(model, str(folder / "Format-Serving"), signatures=functions)
        return folder

    return export


def _review(number: int) -> tuple[str, int]:
    """Every fifth review is labeled against its words, every seventh has none that count; all differ."""
    positive = number % 2
    words = "a film" if number % 7 == 0 else ("good " if positive else "bad ") * (1 + number % 3)
    filler = "word " * (150 if number % 4 == 0 else 10)
    return f"{filler}{words}".strip() + f" {number}", positive if number % 5 else 1 - positive


@pytest.fixture(scope="session")
def examples_folder(tmp_path_factory) -> Path:
    """An Examples artifact's folder: 120 reviews in two files of `test`, an empty `eval`."""
    folder = tmp_path_factory.mktemp("examples")
    for split, files in (("test", (range(0, 70), range(70, 120))), ("eval", (range(0),))):
        for index, numbers in enumerate(files):
            name = f"data_tfrecord-{index:05}-of-{len(files):05}.gz"
            write_examples(folder / f"Split-{split}" / name, map(_review, numbers))
    return folder


BEAM = ["--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner", "--direct_num_workers=1"]
EASY = GateSettings(min_accuracy=0.5, min_change=-0.1, min_change_length="off")


@dataclasses.dataclass(frozen=True)
class Outcome:
    evaluation: standard_artifacts.ModelEvaluation
    blessing: standard_artifacts.ModelBlessing

    @property
    def verdict(self) -> Verdict:
        return Verdict.from_json(Path(self.evaluation.uri, "verdict.json").read_text())

    @property
    def predictions(self) -> Predictions:
        return Predictions.from_bytes(Path(self.evaluation.uri, "predictions.parquet").read_bytes())

    @property
    def marks(self) -> set[str]:
        return {path.name for path in Path(self.blessing.uri).iterdir()}


@pytest.fixture(scope="session")
def evaluate(tmp_path_factory, examples_folder):
    """Runs the executor as TFX does, Beam and TFMA included."""

    def run(
        model: Path,
        baseline: Path | None = None,
        *,
        base: Path | None = None,
        damage: str = "",
        gate: GateSettings = EASY,
        split: str = "test",
        folder: Path = examples_folder,
        newest: int = 0,
        spans: Sequence[Mapping[str, object]] = (),
        data: str = "",
        checklist: bool = False,
    ) -> Outcome:
        examples = standard_artifacts.Examples()
        examples.uri, examples.span = str(folder), newest
        folder = tmp_path_factory.mktemp("evaluator")
        splits = [path.name.removeprefix("Split-") for path in Path(examples.uri).iterdir()]
        examples.split_names = artifact_utils.encode_split_names(sorted(splits))
        examples.set_string_custom_property("payload_format", "FORMAT_TF_EXAMPLE")
        examples.set_string_custom_property("file_format", "tfrecords_gzip")
        examples.set_string_custom_property("data_settings", data)
        if spans:
            examples.set_string_custom_property("spans", json.dumps(spans))
        inputs = {"examples": [examples]}
        models = (("model", model), ("baseline_model", baseline), ("base_model", base))
        for number, (key, uri) in enumerate(models):
            if uri is not None:
                artifact = standard_artifacts.Model()
                artifact.uri, artifact.id = str(uri), 7 + number
                inputs[key] = [artifact]
                if damage and key == "baseline_model":
                    artifact.set_string_custom_property("problem", damage)
        outcome = Outcome(standard_artifacts.ModelEvaluation(), standard_artifacts.ModelBlessing())
        outcome.evaluation.uri, outcome.blessing.uri = str(folder / "evaluation"), str(folder / "blessing")
        context = tfx_executor.Executor.Context(
            beam_pipeline_args=[], tmp_dir=str(folder / "tmp"), unique_id="1"
        )
        executor = Executor(context)
        executor._beam_pipeline_args = BEAM  # given to the context, TFX would first build a package of itself
        properties = {
            "eval_config": proto_utils.proto_to_json(
                eval_config(
                    gate,
                    spans=newest > 0,
                    slice_columns=slice_columns_of([examples]),
                    classes=len(names_in([examples])),
                )
            ),
            "example_splits": json.dumps([split]),
            "fairness_indicator_thresholds": "null",
            "gate": gate.model_dump_json(),
            "checklist": int(checklist),
        }
        outputs = {"evaluation": [outcome.evaluation], "blessing": [outcome.blessing]}
        executor.Do(inputs, outputs, properties)
        return outcome

    return run
