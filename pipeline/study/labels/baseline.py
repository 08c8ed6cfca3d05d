"""The baseline of the study of few labels: scikit-learn's TF-IDF with logistic regression."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from sklearn.linear_model import LogisticRegression, LogisticRegressionCV

NAME = "TF-IDF + logistic regression"
DESCRIPTION = (
    "scikit-learn's TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True) and "
    "LogisticRegressionCV(Cs=(1, 10, 100), cv=3)"
)
NGRAM_RANGE = (1, 2)
INVERSE_REGULARIZATIONS = (1, 10, 100)
"""The values of C to choose from, by the log loss of cross-validation."""
FOLDS = 3


def fit(texts: Sequence[str], labels: np.ndarray) -> Callable[[Sequence[str]], np.ndarray]:
    """Fits the baseline to `texts` with `labels`, int [N], 0 or 1, both of which must occur.

    Returns:
      A function from M texts to their labels, int [M].
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline

    vectorizer = TfidfVectorizer(ngram_range=NGRAM_RANGE, sublinear_tf=True)
    return make_pipeline(vectorizer, _regression(labels)).fit(texts, labels).predict


def _regression(labels: np.ndarray) -> LogisticRegression | LogisticRegressionCV:
    """With the best C; with the middle one if a class has too few examples to choose."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression, LogisticRegressionCV

    if np.bincount(labels).min() < FOLDS:
        return LogisticRegression(C=INVERSE_REGULARIZATIONS[1], max_iter=1000)
    return LogisticRegressionCV(Cs=INVERSE_REGULARIZATIONS, cv=FOLDS, scoring="neg_log_loss", max_iter=1000)
