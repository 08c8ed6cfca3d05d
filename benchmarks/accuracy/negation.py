"""The live model's answers to sentences with a negation or a contrast, made by rule.

    python -m benchmarks.accuracy.negation --workspace workspace

The sentences are those that the report has as a slice (`components/evaluator/checklist`). The table has the
accuracy on each kind of case, and the wrong answers follow.
"""

import argparse
import json
import sys

from benchmarks.figures import described, table


def main(arguments: list[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    from components.drift.features import FeatureModel
    from components.errors import GreenlightError
    from components.evaluator.checklist.answers import Answers
    from components.evaluator.checklist.negation import cases
    from components.threshold import DEFAULT
    from pipeline import config
    from pipeline.drift import live_version

    try:
        model, threshold = given.model, DEFAULT
        if model is None:
            live = live_version(config.load(workspace=given.workspace))
            model, threshold = live.path, live.threshold
        asked = cases()
        answers = Answers(asked, FeatureModel(model).probability([case.text for case in asked]), threshold)
    except GreenlightError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    if given.json:
        print(json.dumps({kind: accuracy for kind, (accuracy, _) in answers.accuracies().items()}))
        return 0
    rows = [(kind, f"{share:.4f}", str(count)) for kind, (share, count) in answers.accuracies().items()]
    print(table(("kind", "accuracy", "cases"), rows))
    for case, probability in answers.wrong()[: given.wrong]:
        print(f"{probability:.3f}  {case.text}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = described(__doc__)
    parser.add_argument(
        "--workspace", default="workspace", help="its live model is asked (default: workspace)"
    )
    parser.add_argument("--model", help="the folder of a SavedModel to ask instead, at the threshold 0.5")
    parser.add_argument("--wrong", type=int, default=20, help="wrong answers to print (default 20)")
    parser.add_argument("--json", action="store_true", help="print the accuracies as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
