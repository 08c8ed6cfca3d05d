"""False alarm and detection rates of `greenlight drift`.

python -m benchmarks.drift --workspace workspace

Asks the live model of the workspace about the packaged reviews once. Then, 50 times for each size, the 25,000
IMDB reviews are split at random into that many and the rest, and the first are compared with the rest by the
very code and thresholds of the command. An alarm is a false one. As many others stand for what has to be
found: Rotten Tomatoes snippets, IMDB reviews of which every fifth is such a snippet, IMDB reviews with
flipped labels, and IMDB reviews of which four in five are positive. The largest figure of all splits is a
multiple of its threshold: above 1 it would have been an alarm.
"""

import argparse
import csv
import dataclasses
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import table

if TYPE_CHECKING:
    import numpy as np

    from components.drift.features import Features

SIZES, SPLITS, MOST_REFERENCE = (50, 100, 250, 1_000, 5_000), 50, 10_000
HEADER = ("reviews", "false alarms", "largest figure", "snippets", "every fifth one", "flipped labels",
          "four in five positive")  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Pool:
    """All packaged reviews in numbers; where in them each kind is."""

    features: "Features"
    imdb: "np.ndarray"
    snippets: "np.ndarray"

    def at(self, rows: "np.ndarray") -> "Features":
        return self.features.at(rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workspace", default="workspace", help="one with a live model (default: workspace)")
    parser.add_argument(
        "--splits", type=int, default=SPLITS, help=f"random splits a size (default: {SPLITS})"
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="reviews that are compared")
    options = parser.parse_args()
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    pool = _pool(options.workspace)
    rows = [_row(pool, size, options.splits) for size in options.sizes]
    print(table(HEADER, rows))


def _pool(workspace: str) -> Pool:
    import numpy as np

    from components.drift import examples
    from components.drift.features import FeatureModel
    from components.drift.texts import Texts
    from components.example_gen.sources import packaged
    from pipeline.config import load
    from pipeline.drift import live_version
    from pipeline.workspace.layout import Workspace
    from pipeline.workspace.training_data import examples_of

    settings = load(workspace=workspace)
    version = live_version(settings)
    folder = str(examples_of(version, Workspace.at(Path(workspace))))
    with packaged.csv_path().open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    texts = Texts(tuple(row["text"] for row in rows), tuple(int(row["label"]) for row in rows), len(rows))
    features = FeatureModel(version.path).features(texts, trained_on=examples.trained_on(folder))
    imdb = np.array([row["source"] == packaged.IMDB for row in rows])
    return Pool(features, np.flatnonzero(imdb), np.flatnonzero(~imdb))


def _row(pool: Pool, size: int, splits: int) -> tuple[str, ...]:
    """The table's row for samples of one size."""
    import numpy as np

    false, found, closest = 0, Counter[str](), 0.0
    for number in range(splits):
        random = np.random.default_rng([size, number])
        mixed = random.permutation(pool.imdb)
        chosen, rest = mixed[:size], mixed[size:]
        reference = pool.at(rest[~pool.features.seen[rest]][:MOST_REFERENCE])
        alarm, share = _compared(reference, pool.at(chosen))
        false, closest = false + alarm, max(closest, share)
        for name, other in OTHERS.items():
            found[name] += _compared(reference, other(pool, chosen, random))[0]
    shares = (f"{found[name]} of {splits}" for name in OTHERS)
    return (f"{size:,}", f"{false} of {splits}", f"{closest:.2f}", *shares)


def _compared(reference: "Features", compared: "Features") -> tuple[bool, float]:
    """Whether there is drift, and the largest of all figures as a multiple of its threshold."""
    from components.drift.comparison import compare
    from components.drift.settings import DriftSettings

    findings, _ = compare(reference, compared, DriftSettings(), served=False)
    shares = [each.value / each.threshold for each in findings if each.value is not None and each.threshold]
    return any(each.exceeded for each in findings), max(shares, default=0.0)


def _snippets(pool: Pool, chosen: "np.ndarray", random: "np.random.Generator") -> "Features":
    return pool.at(random.choice(pool.snippets, min(len(chosen), len(pool.snippets)), replace=False))


def _every_fifth(pool: Pool, chosen: "np.ndarray", random: "np.random.Generator") -> "Features":
    import numpy as np

    few = len(chosen) // 5
    return pool.at(np.concatenate([chosen[few:], random.choice(pool.snippets, few, replace=False)]))


def _flipped(pool: Pool, chosen: "np.ndarray", random: "np.random.Generator") -> "Features":
    same = pool.at(chosen)
    return dataclasses.replace(same, label=1 - same.label)


def _mostly_positive(pool: Pool, chosen: "np.ndarray", random: "np.random.Generator") -> "Features":
    import numpy as np

    label = pool.features.label[pool.imdb]
    many = 4 * len(chosen) // 5
    positive, negative = (random.permutation(pool.imdb[label == value]) for value in (1, 0))
    return pool.at(np.concatenate([positive[:many], negative[: len(chosen) - many]]))


OTHERS: "dict[str, Callable[[Pool, np.ndarray, np.random.Generator], Features]]" = {
    "snippets": _snippets,
    "every fifth": _every_fifth,
    "flipped": _flipped,
    "mostly positive": _mostly_positive,
}


if __name__ == "__main__":
    main()
