"""The study of few labels: the accuracy that so many labeled examples give, beside scikit-learn's."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.study.labels import baseline
from pipeline.study.labels import draws as drawing
from pipeline.study.labels.result import BASELINE, NAMES, OURS, DrawScore, LabelStudyResult, SizeScores
from serving.machine import scratch

if TYPE_CHECKING:
    import numpy as np

    from components.example_gen.settings import DataSettings
    from pipeline.config import Settings
    from pipeline.study.labels.draws import Draw, LabeledTexts

JUDGE = "test"
"""The split that both models are judged on; draws are taken from the others."""

Report = Callable[[str], None]


def few_labels(
    settings: Settings,
    *,
    sizes: Sequence[int],
    draws: int,
    output_dir: Path,
    progress: Report = lambda line: None,
) -> LabelStudyResult:
    """Fits Greenlight's classifier and the baseline to draws of each size, and judges both on `test`.

    Args:
      settings: data, embedding and trainer. The weights of train and eval divide each draw between fit and
        early stopping.
      sizes: numbers of labeled examples, at least 2 each; those beyond the source's examples are left out.
      draws: how often each size is drawn; from `trainer.seed`.
      output_dir: gets the page and the pictures; made if needed.
      progress: called with a line for each step.

    Raises:
      InputError: the source or the embedding cannot be used, a split is empty, or a draw has one class only.
      DataStopped: too many rows of the source cannot be used.
      GreenlightError: a fit diverged.
    """
    from pipeline.study import data as study_data
    from pipeline.study.labels import page as study_page

    started = time.perf_counter()
    progress("reading the examples")
    reviews = study_data.read_reviews(settings.located_data)
    study_data.require_splits(reviews.splits, "train", "eval", JUDGE)
    pool = [*reviews.splits["train"], *reviews.splits["eval"]]
    fitting, left_out = drawing.fitting_sizes(sizes, len(pool))
    drawn = drawing.draws(
        pool,
        fitting,
        count=draws,
        seed=settings.trainer.seed,
        train_share=_train_share(settings.data),
    )
    judged = drawing.parsed(reviews.splits[JUDGE])
    with scratch.folder("study") as folder:
        found = _scores(settings, drawn, judged, folder=folder, progress=progress)
    result = LabelStudyResult(
        embedding=settings.embedding.name,
        sizes=found,
        left_out=left_out,
        available=len(pool),
        judged=len(judged),
        seconds=time.perf_counter() - started,
        data=reviews.account,
    )
    return dataclasses.replace(result, files=study_page.write(result, output_dir))


def _scores(
    settings: Settings, drawn: Iterable[Draw], judged: LabeledTexts, *, folder: Path, progress: Report
) -> list[SizeScores]:
    """The scores of all draws by their size."""
    by_size: dict[int, list[DrawScore]] = {}
    for draw in drawn:
        score = _score(settings, draw, judged, folder=folder, progress=progress)
        by_size.setdefault(draw.labels, []).append(score)
        told = ", ".join(f"{NAMES[model]} {accuracy:.4f}" for model, accuracy in score.accuracy.items())
        progress(f"{draw.labels:,} labels, draw {draw.number}: {told}")
    return [SizeScores(labels, scores) for labels, scores in by_size.items()]


def _score(
    settings: Settings, draw: Draw, judged: LabeledTexts, *, folder: Path, progress: Report
) -> DrawScore:
    given = drawing.parsed(draw.rows)
    drawing.require_both_classes(given.labels, draw, settings.data.class_names)
    fits: dict[str, Callable[[], np.ndarray]] = {
        OURS: functools.partial(_ours, settings, draw, judged, folder=folder, progress=progress),
        BASELINE: lambda: baseline.fit(given.texts, given.labels)(judged.texts),
    }
    accuracy, seconds = {}, {}
    for model, predicted in fits.items():
        started = time.perf_counter()
        accuracy[model] = float((predicted() == judged.labels).mean())
        seconds[model] = time.perf_counter() - started
    return DrawScore(draw.number, accuracy, seconds)


def _ours(
    settings: Settings, draw: Draw, judged: LabeledTexts, *, folder: Path, progress: Report
) -> np.ndarray:
    """The labels of the judged texts by the Trainer's own classifier, fitted to the draw."""
    import numpy as np
    import tensorflow as tf
    import tf_keras

    from components.threshold import DEFAULT
    from components.trainer import progress as training
    from components.trainer.train import train
    from pipeline.study import data as study_data

    tf_keras.backend.clear_session()  # of the fit before
    train_file = study_data.write(folder / "train.gz", draw.train)
    eval_file = study_data.write(folder / "eval.gz", draw.evaluation)
    prefix = f"{draw.labels:,} labels, draw {draw.number}"
    with training.reporting_to(lambda line: progress(f"{prefix}: {line}")):
        classifier, _ = train(
            settings=settings.trainer,
            embedding_settings=settings.embedding,
            cache_dir=settings.cache,
            train_files=[train_file.path],
            eval_files=[eval_file.path],
            judged_split=JUDGE,  # so that the model is refit, as that of a run
        )
    batches = tf.data.Dataset.from_tensor_slices(list(judged.texts)).batch(2048)
    probability = np.concatenate([classifier.probability(texts).numpy() for texts in batches])
    return (probability >= DEFAULT).astype(np.int64)


def _train_share(data: DataSettings) -> float:
    return data.train_weight / (data.train_weight + data.eval_weight)
