"""The pipeline beside the lesson as a notebook script, in alternating cold processes.

    python -m benchmarks.against_notebook --rounds 3

Each round runs, on the same 25,000 reviews and the same embedding: `greenlight run --no-cache` in a fresh
workspace, the notebook script, the same `greenlight run` again with nothing changed, and once more with
another gate. The embedding module is built before the first round, because both sides load it and neither
makes it.
"""

import json
import sys
import tempfile

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
from benchmarks.processes import CHECKOUT, GREENLIGHT, Cost, run

NOTEBOOK = CHECKOUT / "benchmarks" / "notebook.py"
MOST_OF_NOTEBOOK = 0.9
MOST_OF_FIRST_RUN = 0.35
MOST_SECONDS_TO_ANSWER = 0.5
RUN_AGAIN_AFTER_A_NEW_GATE = {"Evaluator", "Pusher"}

FIRST, SCRIPT, AGAIN, NEW_GATE = "greenlight run", "notebook script", "run again", "run with a new gate"
FIND_INPUTS = """
from components.embeddings.locate import locate
from components.example_gen.sources.packaged import csv_path
from pipeline.config import Settings

settings = Settings()
print(csv_path(), locate(settings.embedding, cache_dir=settings.cache), sep="\\n")
"""
ANSWERS = {
    "--help": (["--help"], 0),
    "run --help": (["run", "--help"], 0),
    "a command that is none": (["rum"], 2),
    "a setting that cannot be": (["run", "--set", "trainer.epochs=none"], 2),
}


def main(arguments: list[str] | None = None) -> int:
    parser = described(__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each side runs (default 3)")
    record_option(parser)
    given = parser.parse_args(arguments)
    rounds = given.rounds
    print(machine(), flush=True)
    notebook = [sys.executable, str(NOTEBOOK), *_reviews_and_embedding()]
    costs: dict[str, list[Cost]] = {name: [] for name in (FIRST, SCRIPT, AGAIN, NEW_GATE)}
    for number in range(1, rounds + 1):
        with tempfile.TemporaryDirectory() as workspace:
            greenlight = [*GREENLIGHT, "run", "--json", "--workspace", workspace]
            commands = {
                FIRST: [*greenlight, "--no-cache"],
                SCRIPT: notebook,
                AGAIN: greenlight,
                NEW_GATE: [*greenlight, "--set", "gate.min_accuracy=0.84"],
            }
            for name, command in commands.items():
                costs[name].append(run(command))
                print(f"round {number}: {name} {costs[name][-1].seconds:.1f} s", flush=True)
    answers = {name: [_answer(*asked) for _ in range(rounds + 2)] for name, asked in ANSWERS.items()}
    print(table(COST_HEADER, [cost_row(name, found) for name, found in (costs | answers).items()]))
    figures = _figures(costs, answers)
    print(table(("", "figure", ""), [figure.cells for figure in figures]))
    print(_qualities(costs))
    record(given.record, _rounds(costs | answers))
    return 0 if all(figure.holds for figure in figures) else 1


def _reviews_and_embedding() -> list[str]:
    """The packaged CSV, and the folder of the default embedding, which is built if it is not there yet.

    In another process: what this one holds in memory would count as the least that its children held.
    """
    return run([sys.executable, "-c", FIND_INPUTS]).output.splitlines()[-2:]


def _answer(arguments: list[str], exit_code: int) -> Cost:
    return run([*GREENLIGHT, *arguments], exit_code=exit_code)


def _figures(costs: dict[str, list[Cost]], answers: dict[str, list[Cost]]) -> list[Figure]:
    def ratio(name: str, to: str, *, limit: float | None) -> Figure:
        return Figure(name=f"{name} / {to}", value=median(costs[name]) / median(costs[to]), limit=limit)

    also = max(len(executed(cost.output) - RUN_AGAIN_AFTER_A_NEW_GATE) for cost in costs[NEW_GATE])
    return [
        ratio(FIRST, SCRIPT, limit=MOST_OF_NOTEBOOK),
        ratio(AGAIN, FIRST, limit=MOST_OF_FIRST_RUN),
        ratio(NEW_GATE, FIRST, limit=None),
        Figure(name="stages beside Evaluator and Pusher that a new gate runs", value=also, limit=0),
        *(
            Figure(name=f"{name}, seconds", value=median(found), limit=MOST_SECONDS_TO_ANSWER)
            for name, found in answers.items()
        ),
    ]


def _rounds(costs: dict[str, list[Cost]]) -> dict[str, list[float]]:
    metrics = [json.loads(cost.output)["metrics"] for cost in costs[FIRST]]
    return {name: [cost.seconds for cost in found] for name, found in costs.items()} | {
        "accuracy": [found["accuracy"] for found in metrics],
        "calibration error": [found["ece"] for found in metrics],
    }


def executed(result_json: str) -> set[str]:
    """The stages of a `greenlight run --json` that did work: an importer does none."""
    stages = json.loads(result_json)["stages"]
    return {stage["name"] for stage in stages if not stage["cached"]} - {"Schema"}


def _qualities(costs: dict[str, list[Cost]]) -> str:
    ours = json.loads(costs[FIRST][-1].output)["metrics"]["accuracy"]
    theirs = costs[SCRIPT][-1].output.splitlines()[-1].split()[-1]
    return f"accuracy: {ours:.4f} on the 5,000 test reviews; notebook: {theirs} on 10,000 validation reviews"


if __name__ == "__main__":
    sys.exit(main())
