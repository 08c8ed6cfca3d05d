"""What each part of the default model is worth: fits on the lesson's split without it, several seeds a row.

    python -m benchmarks.ablation [--seeds 1 2 3] [--rows default no-ngrams ...]

Trains as the Trainer does, on the 15,000 reviews of `--preset seed`, early stopping on its 10,000 others.
Accuracy and calibration error are of those 10,000, which early stopping and calibration have seen: they
compare rows, and flatter all of them. What the gate measures on its test split is the honest figure.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

ROWS: dict[str, tuple[str, ...]] = {
    "default": (),
    "no-ngrams": ("trainer.ngram_order=0",),
    "words-only": ("trainer.ngram_order=1",),
    "pairs": ("trainer.ngram_order=2",),
    "frozen-embedding": ("embedding.trainable=false",),
    "no-smoothing": ("trainer.label_smoothing=0.0",),
    "no-calibration": ("trainer.calibrate=false",),
    "no-dropout": ("trainer.dropout=0.0",),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--rows", nargs="+", choices=list(ROWS), default=list(ROWS))
    given = parser.parse_args()
    from pipeline import config
    from pipeline.study_data import write_splits

    with tempfile.TemporaryDirectory(prefix="ablation-") as folder:
        files = write_splits(config.load(preset="seed").data, Path(folder))
        paths = {split: [file.path] for split, file in files.items()}
        print(
            "| row | settings | accuracy | calibration error | epochs | seconds |\n|---|---|---|---|---|---|"
        )
        for row in given.rows:
            fits = [fit(ROWS[row], seed, paths) for seed in given.seeds]
            accuracy, error, epochs, seconds = zip(*fits, strict=True)
            cells = (
                row,
                " ".join(f"`{setting}`" for setting in ROWS[row]),
                f"{statistics.mean(accuracy):.4f} ± {spread(accuracy):.4f}",
                f"{statistics.mean(error):.4f}",
                " ".join(map(str, epochs)),
                f"{statistics.median(seconds):.0f}",
            )
            print("|", " | ".join(cells), "|", flush=True)


def fit(
    assignments: tuple[str, ...], seed: int, files: dict[str, list[str]]
) -> tuple[float, float, int, float]:
    """Accuracy, calibration error, epochs and seconds (reading included) of one fit."""
    import numpy as np

    from components.evaluator.metrics import expected_calibration_error
    from components.trainer import data
    from components.trainer.train import train
    from pipeline import config

    settings = config.load(preset="seed", assignments=[*assignments, f"trainer.seed={seed}"])
    started = time.monotonic()
    classifier, record = train(
        settings=settings.trainer,
        embedding_settings=settings.embedding,
        cache_dir=settings.cache,
        train_files=files["train"],
        eval_files=files["eval"],
    )
    seconds = time.monotonic() - started
    reviews = data.read(files["eval"], split="eval")
    batches = reviews.batches(1000)
    probability = np.concatenate([classifier.probability(text).numpy() for text, _ in batches])
    labels = np.concatenate([label.numpy() for _, label in batches])
    accuracy = float(((probability >= 0.5) == labels).mean())
    return accuracy, expected_calibration_error(labels, probability), len(record.epochs), seconds


def spread(values: tuple[float, ...]) -> float:
    return statistics.stdev(values) if len(values) > 1 else 0.0


if __name__ == "__main__":
    main()
