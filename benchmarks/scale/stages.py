"""One stage on a folder of reviews in this process, measured by `benchmarks.scale`.

    python -m benchmarks.scale.stages STAGE FOLDER [KEY=VALUE ...]

FOLDER has the reviews as JSONL in `source`; each stage leaves what the next one needs beside it. The settings
are the defaults but for those given. The last line printed is JSON: the seconds of the work itself, without
imports and the start of a job server, and how many reviews it was done on.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tfx.components.util import examples_utils
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.proto import example_gen_pb2
from tfx.types import standard_artifacts
from tfx.types import standard_component_specs as specs
from tfx.types.artifact import Artifact

from components.batch_prediction import job
from components.batch_prediction.formats import OutputFormat
from components.batch_prediction.output import Output
from components.batch_prediction.unlabeled import Wanted
from components.batch_prediction.verified_model import choose_version
from components.data_check import statistics
from components.example_gen import executor as reading
from components.example_gen.component import TextExampleGen
from components.trainer.classifier import signatures
from components.trainer.train import train
from pipeline import config
from pipeline.config import Settings
from pipeline.job_server import session
from serving.store.manifest import Facts
from serving.versions import VersionStore

SPLITS = '["train", "eval", "test"]'


def example_gen(folder: Path, settings: Settings) -> int:
    """TextExampleGen's executor; like each stage returns the number of reviews that it worked on."""
    data = settings.data.model_copy(update={"source": f"files:{folder}/source/reviews-*.jsonl"})
    examples = _artifact(standard_artifacts.Examples, folder / "examples")
    properties = TextExampleGen(data).exec_properties
    reading.Executor(_beam(folder, settings)).Do({}, {specs.EXAMPLES_KEY: [examples]}, properties)
    return _reviews(folder)


def statistics_gen(folder: Path, settings: Settings) -> int:
    """StatisticsGen's executor on all splits."""
    found = _artifact(standard_artifacts.ExampleStatistics, folder / "statistics")
    properties = {specs.STATS_OPTIONS_JSON_KEY: statistics.stats_options().to_json()}
    inputs = {specs.EXAMPLES_KEY: [_examples(folder)]}
    statistics.Executor(_beam(folder, settings)).Do(inputs, {specs.STATISTICS_KEY: [found]}, properties)
    return _reviews(folder)


def training_epoch(folder: Path, settings: Settings) -> int:
    """All that the Trainer does, with one epoch; pushes the model for `batch_inference`."""
    classifier, record = train(
        settings=settings.trainer.model_copy(update={"epochs": 1, "early_stopping": False}),
        embedding_settings=settings.embedding,
        cache_dir=settings.cache,
        train_files=[_pattern(folder, "train")],
        eval_files=[_pattern(folder, "eval")],
    )
    signatures.export(classifier, folder / "model")
    VersionStore(str(folder / "serving")).push(folder / "model", Facts())
    return record.examples["train"]


def batch_inference(folder: Path, settings: Settings) -> int:
    """`greenlight batch-predict`: the source files through the promoted model, into JSONL files."""
    root = str(folder / "serving")
    return job.predict_files(
        job.find_parts(f"{folder}/source/reviews-*.jsonl", wanted=Wanted.of(settings.data)),
        job.Model(root=root, number=choose_version(root, None)),
        Output(path=folder / "predictions", known=OutputFormat.JSON_LINES, folder=True, overwrite=True),
        max_bad_share=settings.data.max_bad_share,
        pipeline_args=settings.beam.pipeline_args(),
    ).reading.taken


STAGES: dict[str, Callable[[Path, Settings], int]] = {
    "ExampleGen": example_gen,
    "StatisticsGen": statistics_gen,
    "one training epoch": training_epoch,
    "batch inference": batch_inference,
}


def _examples(folder: Path) -> Artifact:
    examples = _artifact(standard_artifacts.Examples, folder / "examples")
    examples.split_names = SPLITS
    examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
    examples_utils.set_file_format(examples, "tfrecords_gzip")
    return examples


def _artifact(kind: type[Artifact], path: Path) -> Artifact:
    artifact = kind()
    artifact.uri = str(path)
    return artifact


def _pattern(folder: Path, split: str) -> str:
    return str(folder / "examples" / f"Split-{split}" / "*")


def _reviews(folder: Path) -> int:
    return json.loads((folder / "examples" / reading.READING_FILE).read_text())["taken"]


def _beam(folder: Path, settings: Settings) -> BaseBeamExecutor.Context:
    (folder / "tmp").mkdir(exist_ok=True)
    return BaseBeamExecutor.Context(
        beam_pipeline_args=settings.beam.pipeline_args(), tmp_dir=str(folder / "tmp"), unique_id="scale"
    )


def main(stage: str, folder: str, *assignments: str) -> None:
    settings = config.load(assignments=assignments)
    with session.opened(settings.beam, cache=settings.cache, progress=lambda line: print(line, flush=True)):
        started, cpu = time.perf_counter(), time.process_time()
        reviews = STAGES[stage](Path(folder), settings)
        spent = {"seconds": time.perf_counter() - started, "cpu": time.process_time() - cpu}
    print(json.dumps({**spent, "reviews": reviews}))


if __name__ == "__main__":
    main(*sys.argv[1:])
