"""The pipeline beside TFX's own IMDB example on the same reviews, in alternating cold processes.

    python -m benchmarks.against_tfx_example --rounds 2

The example is the one inside the tfx package, started as its authors say: from a home folder with `imdb/data`
and `imdb/imdb_utils_native_keras.py`, with its own steps, gate and Beam options (multi_processing, a worker
a core). Its accuracy is measured on its own eval split, ours on our test split: reviews that the model was
not trained on.
"""

import csv
import importlib.metadata
import json
import random
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.figures import (
    COST_HEADER,
    Figure,
    cost_row,
    described,
    machine,
    median,
    record,
    record_option,
    table,
)
from benchmarks.processes import GREENLIGHT, Cost, run

EXAMPLE = "tfx.examples.imdb.imdb_pipeline_native_keras"
MODULE_FILE = "imdb_utils_native_keras.py"
MOST_OF_EXAMPLE = 1 / 5
OURS, THEIRS = "greenlight run", "TFX's IMDB example"


def main(arguments: list[str] | None = None) -> int:
    parser = described(__doc__)
    parser.add_argument("--rounds", type=int, default=2, help="how often each side runs (default 2)")
    parser.add_argument("--reviews", type=int, default=25_000, help="how many of the reviews (default all)")
    record_option(parser)
    given = parser.parse_args(arguments)
    print(machine(), flush=True)
    costs: dict[str, list[Cost]] = {OURS: [], THEIRS: []}
    accuracies: dict[str, list[float]] = {OURS: [], THEIRS: []}
    for number in range(1, given.rounds + 1):
        with tempfile.TemporaryDirectory() as folder:
            for name, side in ((OURS, _ours), (THEIRS, _theirs)):
                cost, accuracy = side(Path(folder), given.reviews)
                costs[name].append(cost)
                accuracies[name].append(accuracy)
                print(f"round {number}: {name} {cost.seconds:.1f} s, accuracy {accuracy:.4f}", flush=True)
    rows = [(*cost_row(name, found), f"{max(accuracies[name]):.4f}") for name, found in costs.items()]
    print(table((*COST_HEADER, "best accuracy"), rows))
    times = Figure(
        name=f"{OURS} / {THEIRS}", value=median(costs[OURS]) / median(costs[THEIRS]), limit=MOST_OF_EXAMPLE
    )
    lost = Figure(name="accuracy lost", value=max(accuracies[THEIRS]) - min(accuracies[OURS]), limit=0.0)
    print(table(("", "figure", ""), [times.cells, lost.cells]))
    seconds = {name: [cost.seconds for cost in found] for name, found in costs.items()}
    record(given.record, seconds | {f"accuracy of {name}": found for name, found in accuracies.items()})
    return 0 if times.holds and lost.holds else 1


def _ours(folder: Path, reviews: int) -> tuple[Cost, float]:
    command = [*GREENLIGHT, "run", "--json", "--no-cache", "--workspace", str(folder / "workspace")]
    # Fewer reviews than all make no model that could pass the gate; it is measured all the same.
    few = ["--set", f"data.limit={reviews}", "--set", "gate.min_accuracy=0"] if reviews < 25_000 else []
    cost = run([*command, *few])
    return cost, json.loads(cost.output)["metrics"]["accuracy"]


def _theirs(home: Path, reviews: int) -> tuple[Cost, float]:
    imdb = home / "imdb"
    write_csv(imdb / "data" / "imdb.csv", reviews)
    shutil.copy(_examples_folder() / MODULE_FILE, imdb)
    cost = run([sys.executable, "-m", EXAMPLE], environment={"HOME": str(home)})
    return cost, float(run([sys.executable, "-m", "benchmarks.tfx_example_accuracy", str(home)]).output)


def write_csv(path: Path, reviews: int) -> None:
    """The CSV that the example reads: `text` and `label` of that many reviews, half of them of each class.

    In random order: the packaged ones are sorted by class, and the example takes 5,000 of them as they come.
    """
    from benchmarks.reviews_made import real_reviews

    found = real_reviews()
    found = found[:: max(1, len(found) // reviews)]
    random.Random(1).shuffle(found)
    path.parent.mkdir(parents=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("text", "label"))
        writer.writerows(found)


def _examples_folder() -> Path:
    """Found without importing TFX."""
    (module,) = (file for file in importlib.metadata.files("tfx") or () if file.name == MODULE_FILE)
    return Path(str(module.locate())).parent


if __name__ == "__main__":
    sys.exit(main())
