"""Suspected label errors, found by confident learning.

A linear model on TF-IDF says of each review, from the other reviews alone, how probable each label is. A
review is suspected where the model is as sure of the other label as it is, on average, of the reviews that
carry that label (Northcutt, Jiang, Chuang: Confident Learning, JAIR 2021; cleanlab's filter of that name).

docs/data.md has what it finds, and falsely finds, at 0, 5, 10 and 20 % of wrong labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from components.reviews import canonical, canonical_key

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MOST = 10_000
"""Texts that are examined; of more, a sample. 10,000 cost about three seconds of one core."""
_FEWEST_PER_LABEL = 50
"""Distinct texts of each label without which nothing can be said."""
_LEAST_ACCURACY = 0.6
"""Mean over both labels; below it the texts do not tell the labels, or the labels are beyond a check."""
_FOLDS = 5
_REGULARIZATION = 1.0


@dataclass(frozen=True)
class Suspect:
    """A text that probably has the wrong label."""

    index: int
    """Of the text, from 0, in what was given."""
    label: int
    """The one that it has."""
    probability: float
    """Of that label, as the model sees it."""


@dataclass(frozen=True)
class LabelCheck:
    """What came of examining texts and their labels."""

    given: int
    """Texts that were given."""
    examined: int
    """Of these, texts that were examined: all, or a sample of MOST distinct ones with their copies."""
    suspects: tuple[Suspect, ...] = ()
    """The most probably wrong ones first; texts of which another copy has the other label are among them."""
    contradictions: int = 0
    """Examined texts of which another copy has the other label."""
    accuracy: float | None = None
    """Share of the labels, over both labels, that the model predicts; None where it could not be fitted."""
    not_judged: str | None = None
    """Why nothing can be said; None where something can."""

    @property
    def share(self) -> float:
        """Of the examined texts, those that are suspected; some 2 to 5 % where all labels are right."""
        return len(self.suspects) / self.examined if self.examined else 0.0

    def fewest_wrong(self, *, risk_deviations: float = 1.6449) -> float:
        """The share of suspects that chance alone is unlikely to exceed downwards: the lower end of its
        one-sided 95 % interval (Wilson). To be held against a limit.
        """
        n, share, z = max(1, self.examined), self.share, risk_deviations
        middle = share + z * z / (2 * n)
        spread = z * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
        return max(0.0, (middle - spread) / (1 + z * z / n))


def find_suspects(
    texts: Sequence[str],
    labels: Sequence[int],
    *,
    reference: tuple[Sequence[str], Sequence[int]] = ((), ()),
    most: int = MOST,
) -> LabelCheck:
    """Examines labels; the result is the same whatever order the texts come in, but for `Suspect.index`.

    Args:
      texts: [N] reviews.
      labels: [N] of 0 and 1.
      reference: further reviews and their labels to learn from, such as those of earlier spans; nothing is
        said of them. With these, a few texts can be examined, too.
      most: distinct texts to examine, and to learn from, at most.
    """
    if len(texts) != len(labels):
        raise ValueError(f"{len(texts)} texts and {len(labels)} labels")
    own = _sample(_distinct(texts, labels), most)
    known = {text.key for text in own}
    others = [text for text in _distinct(*reference) if text.key not in known]
    learned = sorted([*own, *_sample(others, most)], key=lambda text: text.key)
    examined = sum(len(text.copies) for text in own)
    counts = [sum(text.label == label for text in learned) for label in (0, 1)]
    if not own or min(counts) < _FEWEST_PER_LABEL:
        fewest = "1 distinct text" if min(counts) == 1 else f"{min(counts)} distinct texts"
        why = f"{fewest} of one label; {_FEWEST_PER_LABEL} are needed"
        return LabelCheck(len(texts), examined, not_judged=why)
    label = np.array([text.label for text in learned])
    probability = _cross_validated([text.text for text in learned], label, [text.fold for text in learned])
    accuracy = float(np.mean([np.mean((probability[label == one] >= 0.5) == one) for one in (0, 1)]))
    if accuracy < _LEAST_ACCURACY:
        why = (
            f"a model predicts {accuracy:.1%} of the labels from the other reviews, little more than by "
            "chance: the labels are mixed up, or the texts do not tell them"
        )
        return LabelCheck(len(texts), examined, accuracy=accuracy, not_judged=why)
    suspected = _suspected(label, probability)
    found = [
        suspect
        for text, positive, wrong in zip(learned, probability, suspected, strict=True)
        if text.key in known
        for suspect in text.suspects(float(positive), wrong=bool(wrong))
    ]
    found.sort(key=lambda suspect: (suspect.probability, suspect.index))
    contradictions = sum(len(text.copies) for text in own if text.contradicts_itself)
    return LabelCheck(len(texts), examined, tuple(found), contradictions, accuracy)


@dataclass(frozen=True)
class _Distinct:
    """A text and where its copies are."""

    key: bytes
    text: str
    copies: tuple[tuple[int, int], ...]
    """Index and label of each."""

    @property
    def label(self) -> int:
        """The one that most copies have; of two as many, the one that the key picks."""
        ones = sum(label for _, label in self.copies)
        return self.key[-1] & 1 if 2 * ones == len(self.copies) else int(2 * ones > len(self.copies))

    @property
    def fold(self) -> int:
        return int.from_bytes(self.key[:4], "big") % _FOLDS

    @property
    def contradicts_itself(self) -> bool:
        return len({label for _, label in self.copies}) > 1

    def suspects(self, positive: float, *, wrong: bool) -> Iterator[Suspect]:
        """The copies that are suspected, by the probability that the text is positive."""
        for index, label in self.copies:
            probability = positive if label else 1 - positive
            if (wrong and label == self.label) or (self.contradicts_itself and probability < 0.5):
                yield Suspect(index, label, probability)


def _distinct(texts: Sequence[str], labels: Sequence[int]) -> list[_Distinct]:
    """Copies are put together: one in another fold would tell the model the label."""
    found: dict[bytes, tuple[str, list[tuple[int, int]]]] = {}
    for index, (text, label) in enumerate(zip(texts, labels, strict=True)):
        same = canonical(text)
        found.setdefault(canonical_key(same), (same, []))[1].append((index, int(label)))
    return [_Distinct(key, text, tuple(copies)) for key, (text, copies) in found.items()]


def _sample(texts: list[_Distinct], most: int) -> list[_Distinct]:
    return sorted(texts, key=lambda text: text.key)[:most]


def _cross_validated(texts: Sequence[str], labels: np.ndarray, folds: Sequence[int]) -> np.ndarray:
    """float [N], the probability that each text is positive, by a model that has not seen it."""
    from sklearn.linear_model import LogisticRegression

    vectors, fold = _vectors(texts), np.array(folds)
    probability = np.full(len(labels), 0.5)
    for one in range(_FOLDS):
        inside, outside = np.flatnonzero(fold == one), np.flatnonzero(fold != one)
        if len(inside) and len(set(labels[outside].tolist())) == 2:
            model = LogisticRegression(C=_REGULARIZATION, solver="liblinear", random_state=0)
            model.fit(vectors[outside], labels[outside])
            probability[inside] = model.predict_proba(vectors[inside])[:, 1]
    return probability


def _vectors(texts: Sequence[str]) -> csr_matrix:
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = TfidfVectorizer(sublinear_tf=True, dtype=np.float32, token_pattern=r"\w+")
    try:
        return words.fit_transform(texts)
    except ValueError:  # no text has a word
        from scipy.sparse import csr_matrix

        return csr_matrix((len(texts), 1), dtype=np.float32)


def _suspected(labels: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """bool [N]."""
    from cleanlab.filter import find_label_issues

    return find_label_issues(
        labels, np.stack([1 - probability, probability], axis=1), filter_by="confident_learning", n_jobs=1
    )
