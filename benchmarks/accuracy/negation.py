"""The live model's answers to sentences with a negation or a contrast, made by rule.

    python -m benchmarks.accuracy.negation --workspace workspace

Each case is a template with an adjective, and the label that a reader would give it, in the manner of
CheckList (Ribeiro et al., 2020). The sentences are no part of any training; a model that only adds up words
calls "not bad at all" negative. The table has the accuracy on each kind of case, and the wrong answers.
"""

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from benchmarks.figures import described, table

GOOD = (
    "good",
    "great",
    "funny",
    "interesting",
    "clever",
    "convincing",
    "original",
    "entertaining",
    "believable",
    "enjoyable",
    "exciting",
    "moving",
    "memorable",
    "brilliant",
    "impressive",
    "worthwhile",
)
BAD = (
    "bad",
    "boring",
    "dull",
    "awful",
    "terrible",
    "stupid",
    "predictable",
    "annoying",
    "disappointing",
    "silly",
    "pretentious",
    "ridiculous",
    "forgettable",
    "tedious",
    "confusing",
    "lame",
)


@dataclasses.dataclass(frozen=True)
class Template:
    """A sentence with `{}` for an adjective of `words`; `positive` is the label of the whole."""

    kind: str
    text: str
    words: Sequence[str]
    positive: bool


TEMPLATES = (
    Template("plain", "The film is {}.", GOOD, True),
    Template("plain", "The film is {}.", BAD, False),
    Template("negated praise", "The film isn't {}.", GOOD, False),
    Template("negated praise", "It is not {} at all.", GOOD, False),
    Template("negated praise", "It is never {}, not for a minute.", GOOD, False),
    Template("negated praise", "There is nothing {} about this film.", GOOD, False),
    Template("negated blame", "The film isn't {}.", BAD, True),
    Template("negated blame", "It is not {} at all.", BAD, True),
    Template("negated blame", "It is never {}, not for a minute.", BAD, True),
    Template("negated blame", "There is nothing {} about this film.", BAD, True),
    Template("missed chance", "It could have been {}.", GOOD, False),
    Template("missed chance", "It tries hard to be {}, but it is not.", GOOD, False),
    Template("contrast", "I expected it to be {}, but I was pleasantly surprised.", BAD, True),
    Template("contrast", "I expected it to be {}, but I was let down.", GOOD, False),
)

SENTENCES = (
    ("understatement", "Not bad at all.", True),
    ("understatement", "I was never bored.", True),
    ("understatement", "Not the worst way to spend an evening.", True),
    ("understatement", "You could do a lot worse.", True),
    ("understatement", "It is hard to find fault with this film.", True),
    ("understatement", "There was not a dull moment.", True),
    ("understatement", "Not exactly a masterpiece.", False),
    ("understatement", "Not the best way to spend an evening.", False),
    ("understatement", "You could do a lot better.", False),
    ("understatement", "I have seen better.", False),
    ("understatement", "I would not call it a success.", False),
    ("understatement", "It is not worth your time.", False),
)


@dataclasses.dataclass(frozen=True)
class Case:
    """A sentence, its kind, and the label that a reader would give it."""

    kind: str
    text: str
    positive: bool


def cases() -> tuple[Case, ...]:
    """All cases, in the order of the templates; each sentence once."""
    return tuple(_cases())


def _cases() -> Iterator[Case]:
    for template in TEMPLATES:
        for word in template.words:
            yield Case(template.kind, template.text.format(word), template.positive)
    for kind, text, positive in SENTENCES:
        yield Case(kind, text, positive)


@dataclasses.dataclass(frozen=True)
class Answers:
    """The cases with the probability of positive that a model gives each, float [N]."""

    cases: Sequence[Case]
    probability: np.ndarray

    @property
    def right(self) -> np.ndarray:
        """bool [N]"""
        return (self.probability >= 0.5) == np.array([case.positive for case in self.cases])

    def accuracies(self) -> Mapping[str, tuple[float, int]]:
        """Kind -> accuracy and number of cases; "all but plain" has those of the other kinds, if any."""
        kinds = np.array([case.kind for case in self.cases])
        chosen = {kind: kinds == kind for kind in dict.fromkeys(kinds)}
        if (others := kinds != "plain").any():
            chosen["all but plain"] = others
        return {kind: (float(self.right[of].mean()), int(of.sum())) for kind, of in chosen.items()}

    def wrong(self) -> list[tuple[Case, float]]:
        """The wrong answers with their probabilities, the surest first."""
        found = [
            (case, float(probability))
            for case, probability, right in zip(self.cases, self.probability, self.right, strict=True)
            if not right
        ]
        return sorted(found, key=lambda each: -abs(each[1] - 0.5))


def ask(probability_of: Callable[[Sequence[str]], np.ndarray]) -> Answers:
    """The answers of a model, given as a function of texts [N] to float [N]."""
    asked = cases()
    return Answers(asked, np.asarray(probability_of([case.text for case in asked])))


def main(arguments: list[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    from components.drift.features import FeatureModel
    from components.errors import GreenlightError
    from pipeline import config
    from pipeline.drift import live_version

    try:
        model = given.model or live_version(config.load(workspace=given.workspace)).path
        answers = ask(FeatureModel(model).probability)
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
    parser.add_argument("--model", help="the folder of a SavedModel to ask instead")
    parser.add_argument("--wrong", type=int, default=20, help="wrong answers to print (default 20)")
    parser.add_argument("--json", action="store_true", help="print the accuracies as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
