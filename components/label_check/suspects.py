"""Suspected label errors, found by confident learning.

A cross-validated linear model on TF-IDF predicts the probability of each label of each text. A text is
suspected if the probability of another label is at least the mean probability that the model gives that label
on the texts that carry it (Northcutt, Jiang, Chuang: Confident Learning, JAIR 2021; cleanlab's filter of that
name).

docs/data.md has the precision and recall at 0, 5, 10 and 20 % of wrong labels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from components.label_check.share_bounds import lower_bound
from components.reviews import canonical, canonical_key

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MOST = 10_000
"""The maximum number of distinct texts to examine; of more, a sample. It takes three seconds of one core."""
_FEWEST_PER_LABEL = 50
"""The minimum number of distinct texts of a label that is checked."""
_LEAST_SKILL = 0.2
"""The minimum of the balanced accuracy on a scale from 0 (chance) to 1; with two labels it is an accuracy of
0.6. Below it the texts do not determine the labels, or too many labels are wrong."""
_ENOUGH_PER_LABEL = 350
"""The number of training texts, on average over the labels, from which the share of suspects can be compared
with a limit. A model of fewer contradicts so many right labels that these alone may exceed it; see
docs/data.md.
"""
_FOLDS = 5
_REGULARIZATION = 1.0


@dataclass(frozen=True)
class Suspect:
    """A text whose label is probably wrong.

    Attributes:
      index: its position in the texts that were given, from 0.
      label: its label.
      probability: the probability that the model gives this label.
    """

    index: int
    label: int
    probability: float


@dataclass(frozen=True)
class LabelCheck:
    """The result of a label check.

    Attributes:
      given: the number of texts that were given.
      examined: the number of these that were examined: all, or a sample of MOST distinct ones with their
        copies.
      suspects: by ascending probability of the label. Of copies with different labels, those with a less
        probable label are among them.
      contradictions: the number of examined texts that have a copy with another label.
      accuracy: the balanced accuracy of the cross-validated model; None if it was not fitted.
      not_judged: why there is no result, a clause; None if there is one.
      learned: the number of distinct texts that the model was trained on: examined ones and reference.
      needed: the minimum of `learned` for comparing the share with a limit.
    """

    given: int
    examined: int
    suspects: tuple[Suspect, ...] = ()
    contradictions: int = 0
    accuracy: float | None = None
    not_judged: str | None = None
    learned: int = 0
    needed: int = 0

    @property
    def share(self) -> float:
        """The share of suspects among the examined texts: 2 to 5 % if all labels are right and the model was
        trained on enough texts.
        """
        return len(self.suspects) / self.examined if self.examined else 0.0

    @property
    def share_lower_bound(self) -> float:
        """The lower end of the one-sided 95 % interval of the share, which is compared with a limit."""
        return lower_bound(self.share, self.examined)

    @property
    def too_few_for_limit(self) -> bool:
        """Whether the model was trained on too few texts to compare the share with a limit."""
        return self.learned < self.needed

    @property
    def right_suspects(self) -> str:
        """A clause about right labels among the suspects, after "N labels look wrong"."""
        if self.too_few_for_limit:
            return (
                f"up to 30 % of right labels do where a model learns from {self.learned:,} texts, so that no "
                f"limit is held against it below {self.needed:,}"
            )
        return "2 to 5 % are only hard to tell"


def find_suspects(
    texts: Sequence[str],
    labels: Sequence[int],
    *,
    reference: tuple[Sequence[str], Sequence[int]] = ((), ()),
    most: int = MOST,
) -> LabelCheck:
    """Checks labels. Apart from `Suspect.index`, the result does not depend on the order of the texts.

    Args:
      texts: [N] texts.
      labels: [N], 0 or 1, or the numbers of more classes. If two labels have 50 distinct texts each, those of
        rarer labels are neither examined nor learned from; otherwise there is no result.
      reference: further texts and their labels, such as those of earlier spans, to train the model on, which
        are not examined. With these, few texts can be examined.
      most: the maximum number of distinct texts to examine, and of reference texts to learn from.

    Raises:
      ValueError: there are not as many labels as texts.
    """
    if len(texts) != len(labels):
        raise ValueError(f"{len(texts)} texts and {len(labels)} labels")
    examined = _sample(_distinct(texts, labels), most)
    examined_keys = {text.key for text in examined}
    others = _sample((text for text in _distinct(*reference) if text.key not in examined_keys), most)
    training = sorted([*examined, *others], key=lambda text: text.key)
    counts = {0: 0, 1: 0} | Counter(text.label for text in training)
    frequent = sorted(label for label, count in counts.items() if count >= _FEWEST_PER_LABEL)
    if len(frequent) > 1:
        examined, training = (
            [text for text in part if text.label in frequent] for part in (examined, training)
        )
    check = LabelCheck(len(texts), sum(len(text.copies) for text in examined))
    if len(frequent) < 2 or not examined:
        return replace(check, not_judged=_too_few(counts))
    label = np.array([frequent.index(text.label) for text in training])
    probability = _cross_validated([text.text for text in training], label, [text.fold for text in training])
    accuracy = _balanced_accuracy(label, probability)
    if accuracy < (1 + _LEAST_SKILL * (len(frequent) - 1)) / len(frequent):
        return replace(check, accuracy=accuracy, not_judged=_little_skill(accuracy))
    found = [
        suspect
        for text, row, wrong in zip(training, probability, _label_issues(label, probability), strict=True)
        if text.key in examined_keys
        for suspect in text.suspects(dict(zip(frequent, row.tolist(), strict=True)), wrong=bool(wrong))
    ]
    return replace(
        check,
        suspects=tuple(sorted(found, key=lambda suspect: (suspect.probability, suspect.index))),
        contradictions=sum(len(text.copies) for text in examined if text.contradicts_itself),
        accuracy=accuracy,
        learned=len(training),
        needed=min(_ENOUGH_PER_LABEL * len(frequent), most),
    )


def _too_few(counts: Mapping[int, int]) -> str:
    second = sorted(counts.values())[-2]
    return f"{second} distinct text{'' if second == 1 else 's'} of one label; {_FEWEST_PER_LABEL} are needed"


def _little_skill(accuracy: float) -> str:
    return (
        f"a model predicts {accuracy:.1%} of the labels from the other examples, little more than by chance: "
        "the labels are mixed up, or the texts do not tell them"
    )


@dataclass(frozen=True)
class _Text:
    """A distinct text.

    Attributes:
      key: its `reviews.canonical_key`.
      text: its canonical form.
      copies: the index and the label of each copy.
    """

    key: bytes
    text: str
    copies: tuple[tuple[int, int], ...]

    @property
    def label(self) -> int:
        """The label of most copies; a tie is broken by the key."""
        counts = Counter(label for _, label in self.copies)
        most = max(counts.values())
        tied = sorted(label for label, count in counts.items() if count == most)
        return tied[self.key[-1] % len(tied)]

    @property
    def fold(self) -> int:
        """The fold of the cross-validation, from 0."""
        return int.from_bytes(self.key[:4], "big") % _FOLDS

    @property
    def contradicts_itself(self) -> bool:
        return len({label for _, label in self.copies}) > 1

    def suspects(self, probabilities: Mapping[int, float], *, wrong: bool) -> Iterator[Suspect]:
        """The suspected copies.

        Args:
          probabilities: label -> probability.
          wrong: whether `label` is suspected.
        """
        for index, label in self.copies:
            probability = probabilities.get(label, 0.0)
            unlikely = self.contradicts_itself and probability < max(probabilities.values())
            if (wrong and label == self.label) or unlikely:
                yield Suspect(index, label, probability)


def _distinct(texts: Sequence[str], labels: Sequence[int]) -> list[_Text]:
    """The distinct texts. A copy in another fold would reveal the label to the model."""
    found: dict[bytes, tuple[str, list[tuple[int, int]]]] = {}
    for index, (text, label) in enumerate(zip(texts, labels, strict=True)):
        same = canonical(text)
        found.setdefault(canonical_key(same), (same, []))[1].append((index, int(label)))
    return [_Text(key, text, tuple(copies)) for key, (text, copies) in found.items()]


def _sample(texts: Iterable[_Text], most: int) -> list[_Text]:
    return sorted(texts, key=lambda text: text.key)[:most]


def _cross_validated(texts: Sequence[str], labels: np.ndarray, folds: Sequence[int]) -> np.ndarray:
    """float [N, K], the probability of each label by a model that was not trained on the text.

    Args:
      texts: [N] texts.
      labels: [N], 0 to K - 1.
      folds: [N], 0 to _FOLDS - 1.
    """
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


def _balanced_accuracy(labels: np.ndarray, probability: np.ndarray) -> float:
    """The mean over the labels of the share of their texts for which they are the most probable label.

    Args:
      labels: int [N], 0 to K - 1.
      probability: float [N, K]. Of equally probable labels the last one counts.
    """
    predicted = probability.shape[1] - 1 - probability[:, ::-1].argmax(axis=1)
    correct = predicted == labels
    return float(np.mean([np.mean(correct[labels == label]) for label in range(probability.shape[1])]))


def _vectors(texts: Sequence[str]) -> csr_matrix:
    """float32 [N, V], the TF-IDF of the words; [N, 1] of zeros if no text has a word."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = TfidfVectorizer(sublinear_tf=True, dtype=np.float32, token_pattern=r"\w+")
    try:
        return words.fit_transform(texts)
    except ValueError:
        from scipy.sparse import csr_matrix

        return csr_matrix((len(texts), 1), dtype=np.float32)


def _label_issues(labels: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """bool [N], whether each label, 0 to K - 1, is probably wrong by its probabilities, float [N, K]."""
    from cleanlab.filter import find_label_issues

    return find_label_issues(labels, probability, filter_by="confident_learning", n_jobs=1)
