"""Short English film reviews with a negation or a contrast, made by rule.

Each case is a template with an adjective, and the label that a reader would give it, in the manner of
CheckList (Ribeiro et al., 2020). A model that only adds up words calls "not bad at all" negative. The
sentences are no part of any training.
"""

import dataclasses
from collections.abc import Iterator, Sequence

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
    (
        "understatement",
        "Nothing new here, but the cast is charming and most of the jokes land. Not the worst way to spend "
        "an evening.",
        True,
    ),
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
