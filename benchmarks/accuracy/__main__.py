"""The model's accuracy and cost on the lesson's split, beside scikit-learn on the same reviews.

    python -m benchmarks.accuracy --seeds 1,2,3

For each seed a cold `greenlight run --preset seed`, and after it TF-IDF with logistic regression and NB-SVM,
both on words and word pairs, fitted to the same 15,000 reviews and scored on the same 10,000. The limits are
held against the worst seed. Early stopping and calibration have seen the 10,000; the regressions have not.
"""

import json
import statistics
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Figure, described, machine, record, record_option, table
from benchmarks.processes import GREENLIGHT, run

LEAST_ACCURACY = 0.90
MOST_CALIBRATION_ERROR = 0.02
MOST_MEGABYTES = 40
MOST_FIT_SECONDS = 60

OURS = "greenlight"


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A fit scored on eval; `seconds` from text to model, `megabytes` of what is exported."""

    accuracy: float
    calibration_error: float | None = None
    seconds: float
    megabytes: float | None = None


def main(arguments: list[str] | None = None) -> int:
    parser = described(__doc__)
    parser.add_argument("--seeds", type=seeds_of, default="1,2,3", help="separated by commas (default 1,2,3)")
    parser.add_argument("--reviews", type=int, default=25_000, help="how many of the reviews (default all)")
    record_option(parser)
    given = parser.parse_args(arguments)
    print(machine(), flush=True)
    fits: dict[str, list[Fitted]] = defaultdict(list)
    for seed in given.seeds:
        with tempfile.TemporaryDirectory() as workspace:
            fits[OURS].append(_ours(Path(workspace), seed, given.reviews))
            for name, fitted in _theirs(workspace).items():
                fits[name].append(fitted)
        told = ", ".join(f"{name} {found[-1].accuracy:.4f}" for name, found in fits.items())
        print(f"seed {seed}: {told}", flush=True)
    print(table(HEADER, rows(fits)))
    record(given.record, rounds(fits))
    judged = figures(fits)
    print(table(("", "figure", ""), [figure.cells for figure in judged]))
    return 0 if all(figure.holds for figure in judged) else 1


def seeds_of(text: str) -> list[int]:
    return [int(seed) for seed in text.split(",")]


def _ours(workspace: Path, seed: int, reviews: int) -> Fitted:
    command = [*GREENLIGHT, "run", "--json", "--preset", "seed", "--workspace", str(workspace)]
    # What is measured here is the model, promoted or not.
    settings = [f"trainer.seed={seed}", f"data.limit={reviews}", "gate.min_accuracy=0"]
    output = run([*command, *(part for setting in settings for part in ("--set", setting))]).output
    result = json.loads(output)
    (trainer,) = (stage for stage in result["stages"] if stage["name"] == "Trainer")
    (model,) = workspace.glob("artifacts/Trainer/model/*/Format-Serving")
    return Fitted(
        accuracy=result["metrics"]["accuracy"],
        calibration_error=result["metrics"]["ece"],
        seconds=trainer["seconds"],
        megabytes=sum(path.stat().st_size for path in model.rglob("*") if path.is_file()) / 1e6,
    )


def _theirs(workspace: str) -> dict[str, Fitted]:
    output = run([sys.executable, "-m", "benchmarks.accuracy.peers", workspace]).output
    found = json.loads(output.splitlines()[-1]).items()
    return {name: Fitted(accuracy=fit["accuracy"], seconds=fit["seconds"]) for name, fit in found}


def rounds(fits: dict[str, list[Fitted]]) -> dict[str, list[float]]:
    """Accuracy and, where there is one, calibration error, one value for each seed."""
    accuracies = {f"accuracy of {name}": [one.accuracy for one in found] for name, found in fits.items()}
    errors = {
        f"calibration error of {name}": [
            one.calibration_error for one in found if one.calibration_error is not None
        ]
        for name, found in fits.items()
    }
    return accuracies | {name: found for name, found in errors.items() if found}


HEADER = ("", "accuracy", "calibration error", "seconds, text to model", "MB")


def rows(fits: dict[str, list[Fitted]]) -> list[tuple[str, ...]]:
    """Cells for HEADER: mean and standard deviation of the accuracy, medians of the rest."""
    lines = []
    for name, found in fits.items():
        accuracies = [fitted.accuracy for fitted in found]
        spread = statistics.stdev(accuracies) if len(found) > 1 else 0.0
        errors = [fitted.calibration_error for fitted in found if fitted.calibration_error is not None]
        sizes = [fitted.megabytes for fitted in found if fitted.megabytes is not None]
        lines.append(
            (
                name,
                f"{statistics.mean(accuracies):.4f} ± {spread:.4f}",
                f"{statistics.median(errors):.4f}" if errors else "",
                f"{statistics.median(fitted.seconds for fitted in found):.1f}",
                f"{statistics.median(sizes):.1f}" if sizes else "",
            )
        )
    return lines


def figures(fits: dict[str, list[Fitted]]) -> list[Figure]:
    """What the worst of our fits is held against; an accuracy as the share that is wrong."""
    ours = fits[OURS]
    wrong = max(1 - fitted.accuracy for fitted in ours)
    best_peer = min(1 - fitted.accuracy for name in fits if name != OURS for fitted in fits[name])
    return [
        Figure(name="share that is wrong", value=wrong, limit=round(1 - LEAST_ACCURACY, 9), digits=4),
        Figure(name="the same, less the best peer's", value=wrong - best_peer, limit=0.0, digits=4),
        Figure(
            name="calibration error",
            value=max(fitted.calibration_error or 0.0 for fitted in ours),
            limit=MOST_CALIBRATION_ERROR,
            digits=4,
        ),
        Figure(
            name="seconds, text to model",
            value=max(fitted.seconds for fitted in ours),
            limit=MOST_FIT_SECONDS,
        ),
        Figure(
            name="MB of the exported model",
            value=max(fitted.megabytes or 0.0 for fitted in ours),
            limit=MOST_MEGABYTES,
        ),
    ]


if __name__ == "__main__":
    sys.exit(main())
