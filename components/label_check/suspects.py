"""Suspected label errors, found by confident learning.

A linear model on TF-IDF says of each example, from the other examples alone, how probable each label is. An
example is suspected where the model is as sure of another label as it is, on average, of the examples that
carry that label (Northcutt, Jiang, Chuang: Confident Learning, JAIR 2021; cleanlab's filter of that name).

docs/data.md has what it finds, and falsely finds, at 0, 5, 10 and 20 % of wrong labels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from components.reviews import canonical, canonical_key

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MOST = 10_000
"""Texts that are examined; of more, a sample. 10,000 cost about three seconds of one core."""
_FEWEST_PER_LABEL = 50
"""Distinct texts of a label without which nothing can be said of it."""
_LEAST_GAIN = 0.2
"""Of the mean accuracy over the labels beyond chance, from 0 to 1; below it the texts do not tell the labels,
or the labels are beyond a check. With two labels it is an accuracy of 0.6."""
_ENOUGH_PER_LABEL = 350
"""Texts to learn from, on average over the labels, for a share of suspects that can be held against a limit.
A model of fewer contradicts so many right labels that these alone may be over it; see docs/data.md."""
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
    """Share of the labels that the model predicts, a mean over the labels; None where it was not fitted."""
    not_judged: str | None = None
    """Why nothing can be said; None where something can."""
    learned: int = 0
    """Distinct texts that the model learned from: those examined and the reference."""
    needed: int = 0
    """The `learned` from which on the share can be held against a limit."""

    @property
    def share(self) -> float:
        """Of the examined texts, those that are suspected; some 2 to 5 % where all labels are right and the
        model learned from enough texts.
        """
        return len(self.suspects) / self.examined if self.examined else 0.0

    @property
    def too_few_for_limit(self) -> bool:
        """Whether so few texts were learned from that the share must not be held against a limit."""
        return self.learned < self.needed

    @property
    def right_suspects(self) -> str:
        """How many right labels are suspected, for people, after "N labels look wrong"."""
        if self.too_few_for_limit:
            return (
                f"up to 30 % of right labels do where a model learns from {self.learned:,} texts, so that no "
                f"limit is held against it below {self.needed:,}"
            )
        return "2 to 5 % are only hard to tell"

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
      texts: [N] texts.
      labels: [N] of 0 and 1, or of the numbers of more classes. Of more than two, those with too few texts
        are neither examined nor learned from.
      reference: further examples and their labels to learn from, such as those of earlier spans; nothing is
        said of them. With these, a few texts can be examined, too.
      most: distinct texts to examine, and to learn from, at most.
    """
    if len(texts) != len(labels):
        raise ValueError(f"{len(texts)} texts and {len(labels)} labels")
    own = _sample(_distinct(texts, labels), most)
    known = {text.key for text in own}
    others = [text for text in _distinct(*reference) if text.key not in known]
    learned = sorted([*own, *_sample(others, most)], key=lambda text: text.key)
    counts = {label: 0 for label in (0, 1)} | Counter(text.label for text in learned)
    usual = sorted(label for label, count in counts.items() if count >= _FEWEST_PER_LABEL)
    if len(counts) > 2 and len(usual) > 1:
        own, learned = ([text for text in part if text.label in usual] for part in (own, learned))
        known = {text.key for text in own}
    examined = sum(len(text.copies) for text in own)
    if not own or len(usual) < min(2, len(counts)):
        count = sorted(counts.values())[-2]
        fewest = "1 distinct text" if count == 1 else f"{count} distinct texts"
        why = f"{fewest} of one label; {_FEWEST_PER_LABEL} are needed"
        return LabelCheck(len(texts), examined, not_judged=why)
    label = np.array([usual.index(text.label) for text in learned])
    probability = _cross_validated([text.text for text in learned], label, [text.fold for text in learned])
    right = _chosen(probability) == label
    accuracy = float(np.mean([np.mean(right[label == one]) for one in range(len(usual))]))
    if accuracy < (1 + _LEAST_GAIN * (len(usual) - 1)) / len(usual):
        why = (
            f"a model predicts {accuracy:.1%} of the labels from the other examples, little more than by "
            "chance: the labels are mixed up, or the texts do not tell them"
        )
        return LabelCheck(len(texts), examined, accuracy=accuracy, not_judged=why)
    suspected = _suspected(label, probability)
    found = [
        suspect
        for text, row, wrong in zip(learned, probability, suspected, strict=True)
        if text.key in known
        for suspect in text.suspects(dict(zip(usual, row.tolist(), strict=True)), wrong=bool(wrong))
    ]
    found.sort(key=lambda suspect: (suspect.probability, suspect.index))
    contradictions = sum(len(text.copies) for text in own if text.contradicts_itself)
    return LabelCheck(
        len(texts),
        examined,
        tuple(found),
        contradictions,
        accuracy,
        learned=len(learned),
        needed=min(_ENOUGH_PER_LABEL * len(usual), most),
    )


@dataclass(frozen=True)
class _Distinct:
    """A text and where its copies are."""

    key: bytes
    text: str
    copies: tuple[tuple[int, int], ...]
    """Index and label of each."""

    @property
    def label(self) -> int:
        """The one that most copies have; of several as frequent, the one that the key picks."""
        counts = Counter(label for _, label in self.copies)
        most = max(counts.values())
        tied = sorted(label for label, count in counts.items() if count == most)
        return tied[self.key[-1] % len(tied)]

    @property
    def fold(self) -> int:
        return int.from_bytes(self.key[:4], "big") % _FOLDS

    @property
    def contradicts_itself(self) -> bool:
        return len({label for _, label in self.copies}) > 1

    def suspects(self, probabilities: Mapping[int, float], *, wrong: bool) -> Iterator[Suspect]:
        """The copies that are suspected, by the probability of each label."""
        for index, label in self.copies:
            probability = probabilities.get(label, 0.0)
            unlikely = self.contradicts_itself and probability < max(probabilities.values())
            if (wrong and label == self.label) or unlikely:
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
    """float [N, K], the probability of each label, 0 to K - 1, by a model that has not seen the text."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    vectors, fold, count = _vectors(texts), np.array(folds), int(labels.max()) + 1
    probability = np.full((len(labels), count), 1 / count)
    for one in range(_FOLDS):
        inside, outside = np.flatnonzero(fold == one), np.flatnonzero(fold != one)
        if len(inside) and len(set(labels[outside].tolist())) == count:
            model = LogisticRegression(C=_REGULARIZATION, solver="liblinear", random_state=0)
            if count > 2:
                model = OneVsRestClassifier(model)
            model.fit(vectors[outside], labels[outside])
            probability[inside] = model.predict_proba(vectors[inside])
    return probability


def _chosen(probability: np.ndarray) -> np.ndarray:
    """int [N], the most probable label of each text; of two as probable, the later one."""
    return probability.shape[1] - 1 - probability[:, ::-1].argmax(axis=1)


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

    return find_label_issues(labels, probability, filter_by="confident_learning", n_jobs=1)
