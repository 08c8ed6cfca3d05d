"""The study of early stopping: the lesson behind this project, on our data and settings."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.study.result import LESSON_TRAINER, EmbeddedReview, Fit, StudyResult
from serving.machine import scratch

if TYPE_CHECKING:
    from components.trainer.classifier.model import Classifier
    from components.trainer.settings import TrainerSettings
    from pipeline.config import Settings
    from pipeline.study.data import SplitFile

REVIEWS_SHOWN = 3


def early_stopping(
    settings: Settings, *, output_dir: Path, progress: Callable[[str], None] | None = None
) -> StudyResult:
    """Fits one classifier twice from the same start, with and without early stopping, and draws both fits.

    Args:
      settings: data, embedding and trainer; unset trainer settings are the lesson's.
      output_dir: gets the page and the pictures; made if needed.
      progress: is called with a line of text after each step.

    Raises:
      InputError: the source or the embedding cannot be used, or a split is empty.
      DataStopped: too many rows of the source cannot be used.
      GreenlightError: a fit diverged.
    """
    from components.trainer import progress as training
    from pipeline.study import data as study_data
    from pipeline.study import page as study_page

    started = time.perf_counter()
    report = progress or _ignore
    with scratch.folder("study") as folder:
        report("reading the examples")
        splits = study_data.write_splits(settings.located_data, folder)
        files = splits.files
        study_data.require_splits(files, "train", "eval")
        trainer = lesson_trainer(settings.trainer)
        fits = {}
        for name, stop in (("without early stopping", False), ("with early stopping", True)):
            with training.reporting_to(functools.partial(_prefixed, name, report)):
                wanted = trainer.model_copy(update={"early_stopping": stop})
                fits[stop], classifier = _fit(settings, wanted, files)
        reviews = _first_reviews(settings, files["train"].path)
    result = StudyResult(
        embedding=settings.embedding.name,
        trainer=trainer.model_dump(mode="json", exclude={"early_stopping"}),
        examples={split: file.reviews for split, file in files.items()},
        data=splits.account,
        reviews=reviews,
        summary=_summary(classifier),
        without=fits[False],
        stopped=fits[True],
        seconds=time.perf_counter() - started,
        classes=settings.data.class_names,
    )
    return dataclasses.replace(result, files=study_page.write(result, output_dir))


def lesson_trainer(given: TrainerSettings) -> TrainerSettings:
    """The lesson's settings, except for those that were `given` explicitly."""
    chosen = given.model_dump(include=given.model_fields_set)
    return type(given).model_validate({**LESSON_TRAINER, **chosen})


def _fit(
    settings: Settings, trainer: TrainerSettings, files: Mapping[str, SplitFile]
) -> tuple[Fit, Classifier]:
    """One fit by the Trainer's own function, which starts from the seed: two calls have the same start."""
    from components.trainer.train import train

    classifier, record = train(
        settings=trainer,
        embedding_settings=settings.embedding,
        cache_dir=settings.cache,
        train_files=[files["train"].path],
        eval_files=[files["eval"].path],
    )
    fit = Fit(
        epochs=tuple(record.epochs),
        kept_epoch=record.restored_epoch,
        stopped_epoch=record.stopped_epoch,
        seconds=sum(epoch["seconds"] for epoch in record.epochs),
        accuracy=_accuracy(classifier, files["eval"].path),
    )
    return fit, classifier


def _accuracy(classifier: Classifier, path: str) -> float:
    """scikit-learn's accuracy_score at the threshold 0.5, on raw text as a server gets it."""
    import numpy as np
    from sklearn.metrics import accuracy_score

    from components.trainer.classifier import data

    reviews = data.read([path], split="eval")
    probability = np.concatenate([classifier.probability(text).numpy() for text, _ in reviews.batches(2048)])
    return float(accuracy_score(reviews.labels.numpy() == 1, probability >= 0.5))


def _first_reviews(settings: Settings, path: str) -> tuple[EmbeddedReview, ...]:
    """The first examples of the file with the vectors of the pre-trained embedding."""
    import tensorflow as tf

    from components import reviews
    from components.embeddings.load import load
    from components.embeddings.locate import locate

    records = tf.data.TFRecordDataset(path, compression_type="GZIP").batch(REVIEWS_SHOWN)
    parsed = tf.io.parse_example(next(iter(records)), reviews.feature_spec())
    handle = locate(settings.embedding, cache_dir=settings.cache)
    vectors = load(handle, name=settings.embedding.name, trainable=False)(parsed[reviews.TEXT]).numpy()
    return tuple(
        EmbeddedReview(text.decode("utf-8", "replace"), int(label), tuple(float(x) for x in vector))
        for text, label, vector in zip(
            parsed[reviews.TEXT].numpy(), parsed[reviews.LABEL].numpy(), vectors, strict=True
        )
    )


def _summary(classifier: Classifier) -> str:
    """Keras's summary of the model from raw text to probability."""
    from components.trainer.classifier.model import text_feed

    lines: list[str] = []
    text_feed(classifier).model.summary(print_fn=lambda line, **_: lines.append(line), line_length=72)
    return "\n".join(lines)


def _ignore(line: str) -> None:
    """The default: progress is not reported."""


def _prefixed(fit: str, report: Callable[[str], None], line: str) -> None:
    report(f"{fit}: {line}")
