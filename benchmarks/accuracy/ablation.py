"""The contribution of each part of the default model.

    python -m benchmarks.accuracy.ablation --workspace workspace

Fits the model without one part at a time, with several seeds per row, on the lesson's split: 15,000 reviews
to train on and 10,000 to validate on. Each result is kept in studies/ablation in the workspace: a study that
was stopped continues, and no fit is repeated. The table is written there as ablation.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.figures import described
from components.errors import GreenlightError
from pipeline.results.data_account import lines_of
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
    "no-negation": {"trainer": {"ngram_negation": False}},
    "no-ending": {"trainer": {"ngram_ending": 0}},
    "frozen-embedding": {"embedding": {"trainable": False}},
    "no-dropout": {"trainer": {"dropout": 0.0}},
    "no-smoothing": {"trainer": {"label_smoothing": 0.0}},
    "no-calibration": {"trainer": {"calibrate": False}},
}
"""Row -> the settings that differ from those of the study."""

SEEDS = (1, 2, 3)
RESULT, TABLE = "ablation.json", "ablation.md"
HEADER = ("row", "settings", "accuracy", "calibration error", "log loss", "epochs", "seconds")


def main(arguments: list[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from pipeline import config
    from pipeline.preflight.training import require_study
    from pipeline.workspace.layout import Workspace

    try:
        settings = config.load(
            preset="seed", assignments=[*given.assignments, f"workspace={json.dumps(given.workspace)}"]
        )
        require_study(settings)
        workspace = Workspace.of(settings)
        workspace.create()
        result = ablation(
            settings,
            output_dir=workspace.root / "studies" / "ablation",
            rows=tuple(dict.fromkeys(given.rows)) or tuple(ROWS),
            seeds=tuple(dict.fromkeys(given.seeds)) or SEEDS,
            progress=lambda line: print(line, file=sys.stderr, flush=True),
        )
    except GreenlightError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    print(json.dumps(result.to_json()) if given.json else result.as_text())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = described(__doc__)
    parser.add_argument(
        "--workspace", default="workspace", help="where the fits are kept (default: workspace)"
    )
    parser.add_argument("--row", dest="rows", action="append", default=[], choices=ROWS, help="only this row")
    parser.add_argument(
        "--seed", dest="seeds", action="append", default=[], type=int, help="default: 1, 2, 3"
    )
    parser.add_argument(
        "--set", dest="assignments", action="append", default=[], metavar="KEY=VALUE", help="one setting"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser


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
        """The cells under HEADER."""
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
    """The rows, on how many reviews of each split, and how long this call took.

    data: the account of the rows of the source, as the result of a run has it.
    """

    rows: Sequence[Row]
    seeds: Sequence[int]
    examples: Mapping[str, int]
    seconds: float
    data: Mapping[str, Any] | None = None

    def table(self) -> str:
        """Markdown."""
        lines = [HEADER, ("---",) * len(HEADER), *(row.cells for row in self.rows)]
        return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)

    def as_text(self) -> str:
        train, evaluation = (self.examples[split] for split in ("train", "eval"))
        return "\n".join(
            [
                f"{self.table()}\n{train:,} reviews to train on, {evaluation:,} to validate on; mean and "
                f"standard deviation over the seeds {', '.join(map(str, self.seeds))}.",
                *lines_of(self.data),
            ]
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
        return {
            "study": "ablation",
            "examples": dict(self.examples),
            "rows": rows,
            "data": self.data,
            "seconds": self.seconds,
        }


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
    """Makes the fits that are not in `output_dir` yet, and the table of all rows.

    Args:
      settings: what the row `default` is fitted with; the others change it.
      output_dir: keeps the result of each fit, so that a stopped study can be resumed.
      progress: called with a line for each fit.

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
        splits = study_data.write_splits(settings.located_data, folder)
        files = splits.files
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
        data=splits.account,
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


if __name__ == "__main__":
    sys.exit(main())
