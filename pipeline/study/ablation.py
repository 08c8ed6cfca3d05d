"""The ablation study: fits of the default model without one part at a time, over several seeds."""

from __future__ import annotations

import dataclasses
import json
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from serving.machine import scratch
from serving.storage.whole_file import write_whole

if TYPE_CHECKING:
    from components.tuner.fit_cache import FitResult
    from pipeline.config import Settings

ROWS: Mapping[str, Mapping[str, Any]] = {
    "default": {},
    "no-ngrams": {"trainer": {"ngram_order": 0}},
    "words-only": {"trainer": {"ngram_order": 1}},
    "pairs": {"trainer": {"ngram_order": 2}},
    "frozen-embedding": {"embedding": {"trainable": False}},
    "no-dropout": {"trainer": {"dropout": 0.0}},
    "no-smoothing": {"trainer": {"label_smoothing": 0.0}},
    "no-calibration": {"trainer": {"calibrate": False}},
}
"""By name: what the row has otherwise than the settings of the study."""

SEEDS = (1, 2, 3)
RESULT, TABLE = "ablation.json", "ablation.md"
HEADER = ("row", "settings", "accuracy", "calibration error", "log loss", "epochs", "seconds")


@dataclasses.dataclass(frozen=True)
class Row:
    """The fits of one row, in the order of the seeds."""

    name: str
    fits: Sequence[FitResult]

    @property
    def settings(self) -> list[str]:
        """`KEY=VALUE`, as `--set` takes them."""
        changes = (
            (section, key, value) for section, keys in ROWS[self.name].items() for key, value in keys.items()
        )
        return [f"{section}.{key}={json.dumps(value)}" for section, key, value in changes]

    def mean(self, figure: str) -> float:
        return statistics.mean(getattr(fit, figure) for fit in self.fits)

    def spread(self, figure: str) -> float:
        """The standard deviation over the seeds; 0 for a single one."""
        values = [getattr(fit, figure) for fit in self.fits]
        return statistics.stdev(values) if len(values) > 1 else 0.0

    @property
    def cells(self) -> tuple[str, ...]:
        """Those of HEADER."""
        return (
            self.name,
            " ".join(f"`{setting}`" for setting in self.settings),
            *(f"{self.mean(figure):.4f} ± {self.spread(figure):.4f}" for figure in FIGURES),
            " ".join(str(fit.epochs) for fit in self.fits),
            f"{statistics.median(fit.seconds for fit in self.fits):.0f}",
        )


FIGURES = ("accuracy", "calibration_error", "log_loss")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ablation:
    """The rows, on how many reviews of each split, and how long this call took."""

    rows: Sequence[Row]
    seeds: Sequence[int]
    examples: Mapping[str, int]
    seconds: float

    def table(self) -> str:
        """Markdown."""
        lines = [HEADER, ("---",) * len(HEADER), *(row.cells for row in self.rows)]
        return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)

    def as_text(self) -> str:
        train, evaluation = (self.examples[split] for split in ("train", "eval"))
        return (
            f"{self.table()}\n{train:,} reviews to train on, {evaluation:,} to validate on; mean and "
            f"standard deviation over the seeds {', '.join(map(str, self.seeds))}."
        )

    def to_json(self) -> dict[str, Any]:
        rows = [
            {"row": row.name, "settings": row.settings}
            | {f"{figure}_{name}": value(figure) for figure in FIGURES for name, value in _statistics(row)}
            | {
                "fits": [
                    {"seed": seed, **dataclasses.asdict(fit)}
                    for seed, fit in zip(self.seeds, row.fits, strict=True)
                ]
            }
            for row in self.rows
        ]
        return {"study": "ablation", "examples": dict(self.examples), "rows": rows, "seconds": self.seconds}


def _statistics(row: Row) -> Iterator[tuple[str, Callable[[str], float]]]:
    yield from (("mean", row.mean), ("spread", row.spread))


def ablation(
    settings: Settings,
    *,
    output_dir: Path,
    rows: Sequence[str] = tuple(ROWS),
    seeds: Sequence[int] = SEEDS,
    progress: Callable[[str], None],
) -> Ablation:
    """Makes the fits that `output_dir` does not hold yet, and the table of all that were asked for.

    Args:
      settings: what the row `default` is fitted with; the others change it.
      output_dir: keeps the result of each fit, so that a study that was stopped goes on where it was.
      progress: is told a line for each fit.

    Raises:
      InputError: the source or the embedding cannot be used, or a split is empty.
      DataStopped: too many rows of the source cannot be used.
      GreenlightError: a fit diverged.
    """
    from components.trainer import progress as training
    from components.tuner.fit_cache import FitCache
    from pipeline.study import data as study_data

    started = time.perf_counter()
    progress("reading the reviews")
    with scratch.folder("study") as folder, training.reporting_to(progress):
        files = study_data.write_splits(settings.data, folder)
        study_data.require_splits(files)
        fits = FitCache(
            output_dir / "fits",
            train_files=[files["train"].path],
            eval_files=[files["eval"].path],
            cache_dir=settings.cache,
        )
        found = []
        for name in rows:
            measured = []
            for seed in seeds:
                changed = without(settings, name, seed=seed)
                measured.append(fits.of(changed.trainer, changed.embedding))
                progress(f"{name}, seed {seed}: accuracy {measured[-1].accuracy:.4f}")
            found.append(Row(name, measured))
    result = Ablation(
        rows=found,
        seeds=seeds,
        examples={split: file.reviews for split, file in files.items()},
        seconds=time.perf_counter() - started,
    )
    write_whole(output_dir / RESULT, json.dumps(result.to_json(), indent=1) + "\n")
    write_whole(output_dir / TABLE, result.table())
    return result


def without(settings: Settings, row: str, *, seed: int) -> Settings:
    """The settings of a row's fit."""
    changes = {section: dict(keys) for section, keys in ROWS[row].items()}
    changes.setdefault("trainer", {})["seed"] = seed
    return settings.model_copy(
        update={
            section: getattr(settings, section).model_copy(update=keys) for section, keys in changes.items()
        }
    )
